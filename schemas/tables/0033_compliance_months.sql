-- Why: the same by month, for those who look at trends: of a control that is attested to, the days on which that held.
CREATE VIEW IF NOT EXISTS compliance_months
(
    tenant String COMMENT 'Tenant',
    framework String COMMENT 'Framework: gdpr, hipaa, pci or soc2',
    control String COMMENT 'Control of the framework',
    month Date COMMENT 'First day of the month (UTC)',
    source String COMMENT 'events, or attestation',
    evaluated UInt64 COMMENT 'Verdicts that count; days of an attestation',
    compliant UInt64 COMMENT 'Of these, those that found compliance; days on which an attestation held',
    violations UInt64 COMMENT 'Of these, those that found a violation; days on which an attestation had expired',
    not_evaluated UInt64 COMMENT 'Verdicts that could not be reached',
    score_percent Nullable(Float64) COMMENT 'compliant / evaluated in percent; NULL: nothing was evaluated'
)
AS SELECT
    tenant,
    framework,
    control,
    toStartOfMonth(day) AS month,
    source,
    sum(d.evaluated) AS evaluated,
    sum(d.compliant) AS compliant,
    sum(d.violations) AS violations,
    sum(d.not_evaluated) AS not_evaluated,
    100 * sum(d.compliant) / nullIf(sum(d.evaluated), 0) AS score_percent
FROM compliance_days AS d
GROUP BY tenant, framework, control, month, source
COMMENT 'Compliance score per tenant, framework, control and month, from events and attestations'
