-- Why: how every component is now, with what it depends on: the question that raw_health answers only by its last rows.
CREATE VIEW IF NOT EXISTS current_health
(
    tenant String COMMENT 'Tenant the component belongs to',
    service String COMMENT 'Service that was checked',
    component String COMMENT 'Part of the service; empty: the service as a whole',
    status String COMMENT 'up, degraded, down; or silent: no heartbeat for 30 seconds',
    reported String COMMENT 'Status of the latest health event',
    seen_at DateTime64(3, 'UTC') COMMENT 'When that happened (UTC)',
    check_duration_ms Float64 COMMENT 'How long the latest check took, milliseconds',
    message String COMMENT 'What the latest check said',
    dependencies Array(String) COMMENT 'What it depends on, as its checks of the last day say',
    failing Array(String) COMMENT 'Those of them whose latest check failed'
)
AS SELECT
    tenant,
    service,
    component,
    if(seen_at < now64(3) - INTERVAL 30 SECOND, 'silent', reported) AS status,
    argMax(last_status, last_time) AS reported,
    max(last_time) AS seen_at,
    argMax(last_duration_ms, last_time) AS check_duration_ms,
    argMax(last_message, last_time) AS message,
    arraySort(groupArrayIf(dependency, dependency != '')) AS dependencies,
    arraySort(groupArrayIf(dependency, dependency != '' AND last_status = 'down')) AS failing
FROM
(
    SELECT
        tenant,
        service,
        component,
        dependency,
        max(time) AS last_time,
        toString(argMax(status, time)) AS last_status,
        argMax(h.check_duration_ms, time) AS last_duration_ms,
        argMax(h.message, time) AS last_message
    FROM raw_health AS h
    WHERE ingested_at >= now() - INTERVAL 1 DAY
    GROUP BY tenant, service, component, dependency
)
GROUP BY tenant, service, component
COMMENT 'How every component is that has sent health events within the last day';
