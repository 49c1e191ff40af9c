-- Why: what came to an objective in each minute, in whole numbers, so that a budget of any period can be counted again
-- exactly, also when maintenance is declared afterwards. Minutes in which nothing came have no row; late data writes a
-- minute again with a higher version. Expiry and partitions as in windows.
CREATE TABLE IF NOT EXISTS objective_minutes
(
    tenant LowCardinality(String) COMMENT 'Tenant of the service',
    objective LowCardinality(String) COMMENT 'Name of the objective',
    service LowCardinality(String) COMMENT 'Service that promises it',
    minute DateTime64(3, 'UTC') COMMENT 'Start of the minute (UTC, event time)',
    version UInt64 COMMENT 'Revision of the row: the highest one is the truth',
    bad Int64 COMMENT 'What was bad in it, in units of 1e-9: an event or a value counts 1000000000',
    total Int64 COMMENT 'All that came in it, in the same unit',
    written_at DateTime('UTC') DEFAULT now('UTC') COMMENT 'When the row was written (UTC); decides when it expires'
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYear(minute)
ORDER BY (tenant, objective, service, minute)
TTL written_at + INTERVAL {retention_days} DAY
COMMENT 'One row per objective and minute in which anything came, versioned: read with FINAL';
