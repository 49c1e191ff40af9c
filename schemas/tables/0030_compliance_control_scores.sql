-- Why: where a score comes from: each control and service, hour by hour, with what was found wrong. Every verdict counts
-- once, by the position of its record, policy and control.
CREATE VIEW IF NOT EXISTS compliance_control_scores
(
    tenant String COMMENT 'Tenant',
    framework String COMMENT 'Framework: gdpr, hipaa, pci or soc2',
    control String COMMENT 'Control of the framework, such as art-32',
    service String COMMENT 'Service that published the events',
    hour DateTime('UTC') COMMENT 'Start of the hour of event time (UTC)',
    evaluated UInt64 COMMENT 'Verdicts that count: compliant and non_compliant; the denominator of the score',
    compliant UInt64 COMMENT 'Verdicts that found compliance',
    violations UInt64 COMMENT 'Verdicts that found a violation (non_compliant)',
    not_evaluated UInt64 COMMENT 'Verdicts that could not be reached because the event does not say enough',
    score_percent Nullable(Float64) COMMENT 'compliant / evaluated in percent; NULL: nothing was evaluated',
    worst_reasons Array(String) COMMENT 'Up to five reasons of violations, the most frequent first'
)
AS SELECT
    tenant,
    framework,
    control,
    service,
    hour,
    compliant + violations AS evaluated,
    countIf(verdict = 'compliant') AS compliant,
    countIf(verdict = 'non_compliant') AS violations,
    countIf(verdict = 'not_evaluated') AS not_evaluated,
    100 * compliant / nullIf(evaluated, 0) AS score_percent,
    topKIf(5)(reason, verdict = 'non_compliant') AS worst_reasons
FROM
(
    SELECT
        tenant,
        framework,
        control,
        any(service) AS service,
        toStartOfHour(toDateTime(time)) AS hour,
        any(verdict) AS verdict,
        any(reason) AS reason
    FROM verdicts
    GROUP BY tenant, framework, control, hour, _topic, _incarnation, _partition, _offset, policy
)
GROUP BY tenant, framework, control, service, hour
COMMENT 'Compliance score per tenant, framework, control, service and hour'
