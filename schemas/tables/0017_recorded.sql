-- Why: what recording rules gave, so that queries and later backtests see it after the worker has forgotten it. One
-- sample a pane of metric events. A worker that evaluates again after a crash writes the same rows with a higher version.
CREATE TABLE IF NOT EXISTS recorded
(
    tenant LowCardinality(String) COMMENT 'Tenant whose rule it is',
    name LowCardinality(String) COMMENT 'Name of the series: what the rule says behind record',
    service LowCardinality(String) COMMENT 'Label service of the series; empty: none',
    labels String COMMENT 'Further labels of the series as JSON text with sorted keys; see label for a Map',
    time DateTime64(3, 'UTC') COMMENT 'When the value held (UTC, event time)',
    version UInt64 COMMENT 'Revision of the row: the highest one is the truth',
    value Float64 COMMENT 'Value of the series then; may be NaN or infinite, as an expression may be',
    ended Bool COMMENT 'true: the rule no longer gave the series from then on, and value means nothing',
    written_at DateTime('UTC') DEFAULT now('UTC') COMMENT 'When the row was written (UTC); decides when it expires',
    label Map(String, String) ALIAS JSONExtract(labels, 'Map(String, String)') COMMENT 'labels as a Map: label[''region'']'
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYear(time)
ORDER BY (tenant, name, service, labels, time)
TTL written_at + INTERVAL {retention_days} DAY
COMMENT 'One row per series of a recording rule and pane, versioned: read with FINAL';
