-- Why: the first thing to ask of an objective: is it kept, how much may still go wrong, and until when that lasts.
CREATE VIEW IF NOT EXISTS slo
(
    tenant String COMMENT 'Tenant of the service',
    service String COMMENT 'Service that promises it',
    objective String COMMENT 'Name of the objective',
    state String COMMENT 'ok, exhausted, not enough data, or no data',
    target_percent Float64 COMMENT 'Share that has to be good, percent',
    achieved_percent Nullable(Float64) COMMENT 'Share that was good, percent; NULL: not enough data',
    remaining_percent Nullable(Float64) COMMENT 'Share of the budget that is left, percent; NULL: not enough data',
    burn_rate Nullable(Float64) COMMENT 'How many times faster than allowed it went in the last hour; NULL: not enough data',
    exhausted_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When nothing is left at that rate (UTC); NULL: it does not burn, or is not known',
    bad Float64 COMMENT 'What was bad in the window',
    total Float64 COMMENT 'All that came in the window',
    allowed Float64 COMMENT 'How much may be bad',
    unit String COMMENT 'What these count: events or slices',
    window_start DateTime64(3, 'UTC') COMMENT 'Start of the window, inclusive (UTC)',
    window_end DateTime64(3, 'UTC') COMMENT 'End of the window, exclusive (UTC)',
    missing_minutes UInt32 COMMENT 'Minutes of the window in gaps longer than the objective allows',
    excluded_minutes UInt32 COMMENT 'Minutes of the window that do not count',
    counted_at DateTime64(3, 'UTC') COMMENT 'End of the minute after which it was counted (UTC, event time)'
)
AS SELECT
    tenant,
    service,
    objective,
    latest.1 AS state,
    100 * latest.2 AS target_percent,
    100 * latest.3 AS achieved_percent,
    100 * latest.4 AS remaining_percent,
    latest.5 AS burn_rate,
    latest.6 AS exhausted_at,
    latest.7 AS bad,
    latest.8 AS total,
    latest.9 AS allowed,
    latest.10 AS unit,
    latest.11 AS window_start,
    latest.12 AS window_end,
    latest.13 AS missing_minutes,
    latest.14 AS excluded_minutes,
    counted_at
FROM
(
    SELECT
        tenant,
        service,
        objective,
        max(at) AS counted_at,
        argMax(
            (
                state,
                target,
                achieved,
                remaining,
                burn_rate,
                exhausted_at,
                bad,
                total,
                allowed,
                unit,
                window_start,
                window_end,
                missing_minutes,
                excluded_minutes
            ),
            (at, version)
        ) AS latest
    FROM objective_budgets
    GROUP BY tenant, service, objective
) AS budgets
COMMENT 'The budget of every objective as it was counted last';
