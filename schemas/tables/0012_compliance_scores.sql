-- Why: how compliant each tenant was with each framework, hour by hour, with the denominator and with what could not be
-- judged. Every verdict counts once, by the position of its record, policy and control, even if its row were there twice.
CREATE VIEW IF NOT EXISTS compliance_scores
(
    tenant String COMMENT 'Tenant',
    framework String COMMENT 'Framework: gdpr, hipaa, pci or soc2',
    hour DateTime('UTC') COMMENT 'Start of the hour of event time (UTC)',
    evaluated UInt64 COMMENT 'Verdicts that count: compliant and non_compliant; the denominator of the score',
    compliant UInt64 COMMENT 'Verdicts that found compliance',
    violations UInt64 COMMENT 'Verdicts that found a violation (non_compliant)',
    not_evaluated UInt64 COMMENT 'Verdicts that could not be reached because the event does not say enough',
    score_percent Nullable(Float64) COMMENT 'compliant / evaluated in percent; NULL: nothing was evaluated'
)
AS SELECT
    tenant,
    framework,
    hour,
    compliant + violations AS evaluated,
    countIf(verdict = 'compliant') AS compliant,
    countIf(verdict = 'non_compliant') AS violations,
    countIf(verdict = 'not_evaluated') AS not_evaluated,
    100 * compliant / nullIf(evaluated, 0) AS score_percent
FROM
(
    SELECT
        tenant,
        framework,
        toStartOfHour(toDateTime(time)) AS hour,
        any(verdict) AS verdict
    FROM verdicts
    GROUP BY tenant, framework, hour, _topic, _incarnation, _partition, _offset, policy, control
)
GROUP BY tenant, framework, hour
COMMENT 'Compliance score per tenant, framework and hour';
