-- Why: the service level of one service in one window, against its targets. Late data writes it again with a higher
-- version; the view sla shows the truth. Expiry and partitions as in windows.
CREATE TABLE IF NOT EXISTS sla_windows
(
    tenant LowCardinality(String) COMMENT 'Tenant of the service',
    service LowCardinality(String) COMMENT 'Service',
    window_seconds UInt32 COMMENT 'Length of the window, seconds',
    window_start DateTime64(3, 'UTC') COMMENT 'Start of the window, inclusive (UTC); its end is exclusive',
    version UInt64 COMMENT 'Revision of the row: the highest one is the truth',
    total Float64 COMMENT 'Number of requests, by their counters',
    errors Float64 COMMENT 'Number of requests that failed, by their counters',
    availability_percent Nullable(Float64) COMMENT 'Share of requests that succeeded, percent; NULL: no request',
    error_ratio Nullable(Float64) COMMENT 'Share of requests that failed, 0 to 1; NULL: no request',
    throughput_per_second Float64 COMMENT 'Requests per second',
    latency_p50_ms Nullable(Float64) COMMENT '50th percentile of the response time, milliseconds; NULL: none was measured',
    latency_p95_ms Nullable(Float64) COMMENT '95th percentile of the response time, milliseconds; NULL: none was measured',
    latency_p99_ms Nullable(Float64) COMMENT '99th percentile of the response time, milliseconds; NULL: none was measured',
    sla_percent Nullable(Float64) COMMENT 'Share of the targets that were met, percent; NULL: none could be judged',
    breaches Array(LowCardinality(String)) COMMENT 'Targets that were missed, such as availability or response_time',
    written_at DateTime('UTC') DEFAULT now('UTC') COMMENT 'When the row was written (UTC); decides when it expires'
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYear(window_start)
ORDER BY (tenant, service, window_seconds, window_start)
TTL written_at + INTERVAL {retention_days} DAY
COMMENT 'One row per service and window, versioned: read it through the view sla';
