-- Why: how much of its error budget an objective had left, minute by minute, as it was known then. What comes late, or
-- maintenance that is declared later, changes the rows after it and not those before. Expiry and partitions as in windows.
CREATE TABLE IF NOT EXISTS objective_budgets
(
    tenant LowCardinality(String) COMMENT 'Tenant of the service',
    objective LowCardinality(String) COMMENT 'Name of the objective',
    service LowCardinality(String) COMMENT 'Service that promises it',
    at DateTime64(3, 'UTC') COMMENT 'End of the minute after which it was counted (UTC, event time)',
    version UInt64 COMMENT 'Revision of the row: the highest one is the truth',
    window_start DateTime64(3, 'UTC') COMMENT 'Start of the window, inclusive (UTC)',
    window_end DateTime64(3, 'UTC') COMMENT 'End of the window, exclusive (UTC); of a calendar window, when the next one begins',
    target Float64 COMMENT 'Share that has to be good, 0 to 1',
    state LowCardinality(String) COMMENT 'ok, exhausted, not enough data, or no data',
    unit LowCardinality(String) COMMENT 'What bad, total and allowed count: events or slices',
    bad Float64 COMMENT 'What was bad in the window up to then',
    total Float64 COMMENT 'All that came in the window up to then',
    allowed Float64 COMMENT 'How much may be bad: of slices, in the whole window; of events, among those that came',
    achieved Nullable(Float64) COMMENT 'Share that was good, 0 to 1; NULL: not enough data',
    used Nullable(Float64) COMMENT 'Share of the budget that is gone, above 1 when it is overdrawn; NULL: not enough data',
    remaining Nullable(Float64) COMMENT 'Share of the budget that is left, from 0; NULL: not enough data',
    burn_rate Nullable(Float64) COMMENT 'How many times faster than allowed it went in the last hour; NULL: not enough data',
    exhausted_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When nothing is left at that rate (UTC); NULL: it does not burn, or is not known',
    seen_minutes UInt32 COMMENT 'Minutes of the window in which anything came',
    missing_minutes UInt32 COMMENT 'Minutes of the window in gaps longer than the objective allows',
    excluded_minutes UInt32 COMMENT 'Minutes of the window that do not count: maintenance, or gaps where the objective says so',
    written_at DateTime('UTC') DEFAULT now('UTC') COMMENT 'When the row was written (UTC); decides when it expires'
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYear(at)
ORDER BY (tenant, objective, service, at)
TTL written_at + INTERVAL {retention_days} DAY
COMMENT 'One row per objective and minute, versioned: read with FINAL, or the latest through the view slo';
