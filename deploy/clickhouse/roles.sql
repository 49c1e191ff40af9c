-- Roles for people: each may do what its task needs, and no more. Run it once, as a user that may grant:
--     clickhouse-client --queries-file roles.sql
-- then, for each person:  GRANT tidewatch_analyst TO ann;  and what ann may see goes into the table tenant_members.
-- Running it again changes nothing. The users of the programs are in users.xml.

-- Analysts ask about their tenants' rows: pseudonyms, counts, verdicts, alerts. They see no ciphertexts and no keys.
CREATE ROLE IF NOT EXISTS tidewatch_analyst SETTINGS readonly = 1, max_execution_time = 60, max_memory_usage = 4000000000;
GRANT SELECT ON tidewatch.* TO tidewatch_analyst;
REVOKE SELECT ON tidewatch.subject_keys FROM tidewatch_analyst;
REVOKE SELECT ON tidewatch.erasures FROM tidewatch_analyst;
REVOKE SELECT(sealed) ON tidewatch.raw_security FROM tidewatch_analyst;
REVOKE SELECT(sealed) ON tidewatch.raw_processing FROM tidewatch_analyst;

-- Auditors read everything of every tenant, and may run `tidewatch reveal`, which also needs the master keys. They change
-- nothing.
CREATE ROLE IF NOT EXISTS tidewatch_auditor SETTINGS readonly = 1;
GRANT SELECT ON tidewatch.* TO tidewatch_auditor;
GRANT SELECT ON system.enabled_roles TO tidewatch_auditor;

-- Operators keep it running: `tidewatch erase`, `keys rotate`, `retention`, who is a member of which tenant. They see how
-- much there is and how old it is, and of no event what it says.
CREATE ROLE IF NOT EXISTS tidewatch_operator;
GRANT SELECT(tenant, ingested_at, _topic, _partition, _offset) ON tidewatch.raw_metrics TO tidewatch_operator;
GRANT SELECT(tenant, ingested_at, _topic, _partition, _offset) ON tidewatch.raw_health TO tidewatch_operator;
GRANT SELECT(tenant, ingested_at, _topic, _partition, _offset, kind, actor, address, target, sealed) ON tidewatch.raw_security TO tidewatch_operator;
GRANT SELECT(tenant, ingested_at, _topic, _partition, _offset, data_categories, data_subject, consent_id, actor, recipient) ON tidewatch.raw_processing TO tidewatch_operator;
GRANT SELECT(tenant, ingested_at, _topic, _partition, _offset, framework) ON tidewatch.verdicts TO tidewatch_operator;
GRANT SELECT(reason, detail, ingested_at, _topic, _partition, _offset) ON tidewatch.dead_letters TO tidewatch_operator;
GRANT SELECT, INSERT, OPTIMIZE, ALTER DELETE ON tidewatch.subject_keys TO tidewatch_operator;
GRANT SELECT, INSERT ON tidewatch.erasures TO tidewatch_operator;
GRANT SELECT, INSERT ON tidewatch.legal_holds TO tidewatch_operator;
GRANT SELECT, INSERT ON tidewatch.retention_census TO tidewatch_operator;
GRANT SELECT, INSERT, ALTER DELETE ON tidewatch.tenant_members TO tidewatch_operator;
GRANT ALTER TTL ON tidewatch.* TO tidewatch_operator;
GRANT SELECT ON system.tables TO tidewatch_operator;
GRANT SELECT ON system.parts TO tidewatch_operator;
GRANT SELECT ON system.columns TO tidewatch_operator;
