-- Why: the first thing to read about a service: how it did in each window, and which targets it missed.
CREATE VIEW IF NOT EXISTS sla
(
    tenant String COMMENT 'Tenant of the service',
    service String COMMENT 'Service',
    window_seconds UInt32 COMMENT 'Length of the window, seconds: filter on one, or windows overlap',
    window_start DateTime64(3, 'UTC') COMMENT 'Start of the window, inclusive (UTC)',
    window_end DateTime64(3, 'UTC') COMMENT 'End of the window, exclusive (UTC)',
    total Float64 COMMENT 'Number of requests',
    errors Float64 COMMENT 'Number of requests that failed',
    availability_percent Nullable(Float64) COMMENT 'Share of requests that succeeded, percent; NULL: no request',
    error_ratio Nullable(Float64) COMMENT 'Share of requests that failed, 0 to 1; NULL: no request',
    throughput_per_second Float64 COMMENT 'Requests per second',
    latency_p50_ms Nullable(Float64) COMMENT '50th percentile of the response time, milliseconds; NULL: none was measured',
    latency_p95_ms Nullable(Float64) COMMENT '95th percentile of the response time, milliseconds; NULL: none was measured',
    latency_p99_ms Nullable(Float64) COMMENT '99th percentile of the response time, milliseconds; NULL: none was measured',
    sla_percent Nullable(Float64) COMMENT 'Share of the targets that were met, percent; NULL: none could be judged',
    breached Bool COMMENT 'Whether any target was missed',
    breaches Array(String) COMMENT 'Targets that were missed'
)
AS SELECT
    tenant,
    service,
    window_seconds,
    window_start,
    addSeconds(window_start, window_seconds) AS window_end,
    total,
    errors,
    availability_percent,
    error_ratio,
    throughput_per_second,
    latency_p50_ms,
    latency_p95_ms,
    latency_p99_ms,
    sla_percent,
    notEmpty(breaches) AS breached,
    breaches
FROM sla_windows FINAL
COMMENT 'Service level per service and window';
