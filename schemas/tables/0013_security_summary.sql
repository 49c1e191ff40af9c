-- Why: what happened security-wise, minute by minute, before looking at single events in raw_security.
CREATE VIEW IF NOT EXISTS security_summary
(
    tenant String COMMENT 'Tenant of the service',
    minute DateTime('UTC') COMMENT 'Start of the minute of event time (UTC)',
    service String COMMENT 'Service that saw the events',
    kind String COMMENT 'Kind of act, such as auth_failure',
    outcome String COMMENT 'success, failure, denied or unknown',
    events UInt64 COMMENT 'Number of events',
    actors UInt64 COMMENT 'Number of different actors (approximate above some ten thousand)',
    addresses UInt64 COMMENT 'Number of different addresses (approximate above some ten thousand)'
)
AS SELECT
    tenant,
    toStartOfMinute(toDateTime(time)) AS minute,
    service,
    kind,
    outcome,
    count() AS events,
    uniq(actor) AS actors,
    uniq(address) AS addresses
FROM raw_security
GROUP BY tenant, minute, service, kind, outcome
COMMENT 'Security events per minute, service, kind and outcome';
