-- Row policies: an analyst sees rows of the tenants that tenant_members names, everybody else (the worker, auditors,
-- operators, Grafana) those of all. Run it after roles.sql. Views ask as whoever asks them, so policies hold there too.
-- A table with a tenant that is missing here would show all tenants to analysts: a test compares.

CREATE ROW POLICY IF NOT EXISTS tidewatch_own_tenants ON tidewatch.alert_history USING tenant IN (SELECT tenant FROM tidewatch.tenant_members WHERE member = currentUser() AND until > now64(3)) TO tidewatch_analyst;
CREATE ROW POLICY IF NOT EXISTS tidewatch_all_tenants ON tidewatch.alert_history USING true TO ALL EXCEPT tidewatch_analyst;

CREATE ROW POLICY IF NOT EXISTS tidewatch_own_tenants ON tidewatch.erasures USING tenant IN (SELECT tenant FROM tidewatch.tenant_members WHERE member = currentUser() AND until > now64(3)) TO tidewatch_analyst;
CREATE ROW POLICY IF NOT EXISTS tidewatch_all_tenants ON tidewatch.erasures USING true TO ALL EXCEPT tidewatch_analyst;

CREATE ROW POLICY IF NOT EXISTS tidewatch_own_tenants ON tidewatch.evidence USING tenant IN (SELECT tenant FROM tidewatch.tenant_members WHERE member = currentUser() AND until > now64(3)) TO tidewatch_analyst;
CREATE ROW POLICY IF NOT EXISTS tidewatch_all_tenants ON tidewatch.evidence USING true TO ALL EXCEPT tidewatch_analyst;

CREATE ROW POLICY IF NOT EXISTS tidewatch_own_tenants ON tidewatch.evidence_heads USING tenant IN (SELECT tenant FROM tidewatch.tenant_members WHERE member = currentUser() AND until > now64(3)) TO tidewatch_analyst;
CREATE ROW POLICY IF NOT EXISTS tidewatch_all_tenants ON tidewatch.evidence_heads USING true TO ALL EXCEPT tidewatch_analyst;

CREATE ROW POLICY IF NOT EXISTS tidewatch_own_tenants ON tidewatch.evidence_seals USING tenant IN (SELECT tenant FROM tidewatch.tenant_members WHERE member = currentUser() AND until > now64(3)) TO tidewatch_analyst;
CREATE ROW POLICY IF NOT EXISTS tidewatch_all_tenants ON tidewatch.evidence_seals USING true TO ALL EXCEPT tidewatch_analyst;

CREATE ROW POLICY IF NOT EXISTS tidewatch_own_tenants ON tidewatch.legal_holds USING tenant IN (SELECT tenant FROM tidewatch.tenant_members WHERE member = currentUser() AND until > now64(3)) TO tidewatch_analyst;
CREATE ROW POLICY IF NOT EXISTS tidewatch_all_tenants ON tidewatch.legal_holds USING true TO ALL EXCEPT tidewatch_analyst;

CREATE ROW POLICY IF NOT EXISTS tidewatch_own_tenants ON tidewatch.objective_budgets USING tenant IN (SELECT tenant FROM tidewatch.tenant_members WHERE member = currentUser() AND until > now64(3)) TO tidewatch_analyst;
CREATE ROW POLICY IF NOT EXISTS tidewatch_all_tenants ON tidewatch.objective_budgets USING true TO ALL EXCEPT tidewatch_analyst;

CREATE ROW POLICY IF NOT EXISTS tidewatch_own_tenants ON tidewatch.objective_minutes USING tenant IN (SELECT tenant FROM tidewatch.tenant_members WHERE member = currentUser() AND until > now64(3)) TO tidewatch_analyst;
CREATE ROW POLICY IF NOT EXISTS tidewatch_all_tenants ON tidewatch.objective_minutes USING true TO ALL EXCEPT tidewatch_analyst;

CREATE ROW POLICY IF NOT EXISTS tidewatch_own_tenants ON tidewatch.raw_health USING tenant IN (SELECT tenant FROM tidewatch.tenant_members WHERE member = currentUser() AND until > now64(3)) TO tidewatch_analyst;
CREATE ROW POLICY IF NOT EXISTS tidewatch_all_tenants ON tidewatch.raw_health USING true TO ALL EXCEPT tidewatch_analyst;

CREATE ROW POLICY IF NOT EXISTS tidewatch_own_tenants ON tidewatch.raw_metrics USING tenant IN (SELECT tenant FROM tidewatch.tenant_members WHERE member = currentUser() AND until > now64(3)) TO tidewatch_analyst;
CREATE ROW POLICY IF NOT EXISTS tidewatch_all_tenants ON tidewatch.raw_metrics USING true TO ALL EXCEPT tidewatch_analyst;

CREATE ROW POLICY IF NOT EXISTS tidewatch_own_tenants ON tidewatch.raw_processing USING tenant IN (SELECT tenant FROM tidewatch.tenant_members WHERE member = currentUser() AND until > now64(3)) TO tidewatch_analyst;
CREATE ROW POLICY IF NOT EXISTS tidewatch_all_tenants ON tidewatch.raw_processing USING true TO ALL EXCEPT tidewatch_analyst;

CREATE ROW POLICY IF NOT EXISTS tidewatch_own_tenants ON tidewatch.raw_security USING tenant IN (SELECT tenant FROM tidewatch.tenant_members WHERE member = currentUser() AND until > now64(3)) TO tidewatch_analyst;
CREATE ROW POLICY IF NOT EXISTS tidewatch_all_tenants ON tidewatch.raw_security USING true TO ALL EXCEPT tidewatch_analyst;

CREATE ROW POLICY IF NOT EXISTS tidewatch_own_tenants ON tidewatch.recorded USING tenant IN (SELECT tenant FROM tidewatch.tenant_members WHERE member = currentUser() AND until > now64(3)) TO tidewatch_analyst;
CREATE ROW POLICY IF NOT EXISTS tidewatch_all_tenants ON tidewatch.recorded USING true TO ALL EXCEPT tidewatch_analyst;

CREATE ROW POLICY IF NOT EXISTS tidewatch_own_tenants ON tidewatch.retention_census USING tenant IN (SELECT tenant FROM tidewatch.tenant_members WHERE member = currentUser() AND until > now64(3)) TO tidewatch_analyst;
CREATE ROW POLICY IF NOT EXISTS tidewatch_all_tenants ON tidewatch.retention_census USING true TO ALL EXCEPT tidewatch_analyst;

CREATE ROW POLICY IF NOT EXISTS tidewatch_own_tenants ON tidewatch.sla_windows USING tenant IN (SELECT tenant FROM tidewatch.tenant_members WHERE member = currentUser() AND until > now64(3)) TO tidewatch_analyst;
CREATE ROW POLICY IF NOT EXISTS tidewatch_all_tenants ON tidewatch.sla_windows USING true TO ALL EXCEPT tidewatch_analyst;

CREATE ROW POLICY IF NOT EXISTS tidewatch_own_tenants ON tidewatch.subject_keys USING tenant IN (SELECT tenant FROM tidewatch.tenant_members WHERE member = currentUser() AND until > now64(3)) TO tidewatch_analyst;
CREATE ROW POLICY IF NOT EXISTS tidewatch_all_tenants ON tidewatch.subject_keys USING true TO ALL EXCEPT tidewatch_analyst;

CREATE ROW POLICY IF NOT EXISTS tidewatch_own_tenants ON tidewatch.verdicts USING tenant IN (SELECT tenant FROM tidewatch.tenant_members WHERE member = currentUser() AND until > now64(3)) TO tidewatch_analyst;
CREATE ROW POLICY IF NOT EXISTS tidewatch_all_tenants ON tidewatch.verdicts USING true TO ALL EXCEPT tidewatch_analyst;

CREATE ROW POLICY IF NOT EXISTS tidewatch_own_tenants ON tidewatch.windows USING tenant IN (SELECT tenant FROM tidewatch.tenant_members WHERE member = currentUser() AND until > now64(3)) TO tidewatch_analyst;
CREATE ROW POLICY IF NOT EXISTS tidewatch_all_tenants ON tidewatch.windows USING true TO ALL EXCEPT tidewatch_analyst;

-- Whoever asks sees its own memberships; the policies above ask this table in the name of whoever asks.
CREATE ROW POLICY IF NOT EXISTS tidewatch_own_tenants ON tidewatch.tenant_members USING member = currentUser() TO tidewatch_analyst;
CREATE ROW POLICY IF NOT EXISTS tidewatch_all_tenants ON tidewatch.tenant_members USING true TO ALL EXCEPT tidewatch_analyst;

-- Records that nobody could read belong to no tenant.
CREATE ROW POLICY IF NOT EXISTS tidewatch_own_tenants ON tidewatch.dead_letters USING false TO tidewatch_analyst;
CREATE ROW POLICY IF NOT EXISTS tidewatch_all_tenants ON tidewatch.dead_letters USING true TO ALL EXCEPT tidewatch_analyst;
