-- Why: what happened to one series in one window of event time. Late data writes the window again with a higher version;
-- read it with FINAL. Rows expire by when they were written, not by event time, so that replayed history stays.
-- A year a partition: event times are not ours, and a batch of old ones must not hit the limit on partitions.
CREATE TABLE IF NOT EXISTS windows
(
    tenant LowCardinality(String) COMMENT 'Tenant of the series',
    name LowCardinality(String) COMMENT 'Name of the series as rules see it, such as system_latency_ms',
    service LowCardinality(String) COMMENT 'Service of the series; empty: none',
    labels String COMMENT 'Further labels of the series as JSON text with sorted keys; see label for a Map',
    kind LowCardinality(String) COMMENT 'counter, gauge or histogram',
    window_seconds UInt32 COMMENT 'Length of the window, seconds',
    window_start DateTime64(3, 'UTC') COMMENT 'Start of the window, inclusive (UTC); its end is exclusive',
    version UInt64 COMMENT 'Revision of the row: the highest one is the truth',
    count UInt64 COMMENT 'Number of events in the window',
    sum Float64 COMMENT 'Sum of their values; for a counter its increase',
    min Float64 COMMENT 'Smallest value',
    max Float64 COMMENT 'Largest value',
    last Float64 COMMENT 'Value of the latest event',
    p50 Nullable(Float64) COMMENT '50th percentile of the values (relative error at most 1 %); NULL: a counter',
    p90 Nullable(Float64) COMMENT '90th percentile of the values (relative error at most 1 %); NULL: a counter',
    p95 Nullable(Float64) COMMENT '95th percentile of the values (relative error at most 1 %); NULL: a counter',
    p99 Nullable(Float64) COMMENT '99th percentile of the values (relative error at most 1 %); NULL: a counter',
    zero_count UInt64 COMMENT 'Exponential histogram: number of values that are zero',
    buckets Map(Int32, UInt64) COMMENT 'Exponential histogram: bucket i counts values in (base^i, base^(i+1)], base = 2^(2^-scale)',
    negative_buckets Map(Int32, UInt64) COMMENT 'Exponential histogram: the same for the absolute values of negative ones',
    scale Int8 COMMENT 'Exponential histogram: scale of the buckets',
    written_at DateTime('UTC') DEFAULT now('UTC') COMMENT 'When the row was written (UTC); decides when it expires',
    label Map(String, String) ALIAS JSONExtract(labels, 'Map(String, String)') COMMENT 'labels as a Map: label[''region'']'
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYear(window_start)
ORDER BY (tenant, window_seconds, name, service, labels, window_start)
TTL written_at + INTERVAL {retention_days} DAY
COMMENT 'One row per series and window, versioned: read with FINAL';
