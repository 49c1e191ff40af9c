-- Why: the score of each control day by day, from events and from attestations alike: an attestation that has expired is a
-- violation of every day on which nobody renewed it.
CREATE VIEW IF NOT EXISTS compliance_days
(
    tenant String COMMENT 'Tenant',
    framework String COMMENT 'Framework: gdpr, hipaa, pci or soc2',
    control String COMMENT 'Control of the framework',
    day Date COMMENT 'Day of event time (UTC)',
    source String COMMENT 'events, or attestation',
    evaluated UInt64 COMMENT 'Verdicts that count; 1 for an attestation',
    compliant UInt64 COMMENT 'Of these, those that found compliance; an attestation does while it holds',
    violations UInt64 COMMENT 'Of these, those that found a violation; an attestation is one when it has expired',
    not_evaluated UInt64 COMMENT 'Verdicts that could not be reached',
    score_percent Nullable(Float64) COMMENT 'compliant / evaluated in percent; NULL: nothing was evaluated'
)
AS SELECT
    tenant,
    framework,
    control,
    toDate(hour) AS day,
    'events' AS source,
    sum(h.evaluated) AS evaluated,
    sum(h.compliant) AS compliant,
    sum(h.violations) AS violations,
    sum(h.not_evaluated) AS not_evaluated,
    100 * sum(h.compliant) / nullIf(sum(h.evaluated), 0) AS score_percent
FROM compliance_control_scores AS h
GROUP BY tenant, framework, control, day
UNION ALL
SELECT
    tenant,
    framework,
    control,
    day,
    'attestation' AS source,
    toUInt64(1) AS evaluated,
    toUInt64(arrayExists((said, until) -> said < ends AND until > least(ends, now64(3, 'UTC')), saids, untils)) AS compliant,
    toUInt64(1 - compliant) AS violations,
    toUInt64(0) AS not_evaluated,
    100. * compliant AS score_percent
FROM
(
    SELECT
        tenant,
        framework,
        control,
        saids,
        untils,
        arrayJoin(arrayMap(n -> toDate(first) + n, range(1 + dateDiff('day', first, now64(3, 'UTC'), 'UTC')))) AS day,
        toDateTime64(day + 1, 3, 'UTC') AS ends
    FROM
    (
        SELECT
            tenant,
            framework,
            control,
            min(attested_at) AS first,
            groupArray(attested_at) AS saids,
            groupArray(until) AS untils
        FROM attestations
        GROUP BY tenant, framework, control
    )
) AS attested
COMMENT 'Compliance score per tenant, framework, control and day, from events and attestations'
