-- Why: how often each service failed, with its denominator: a ratio of three requests is not one of three million.
CREATE VIEW IF NOT EXISTS error_rates
(
    tenant String COMMENT 'Tenant of the service',
    service String COMMENT 'Service',
    window_seconds UInt32 COMMENT 'Length of the window, seconds: filter on one, or windows overlap',
    window_start DateTime64(3, 'UTC') COMMENT 'Start of the window, inclusive (UTC)',
    total Float64 COMMENT 'Number of requests: the denominator',
    errors Float64 COMMENT 'Number of requests that failed',
    error_ratio Nullable(Float64) COMMENT 'errors / total, 0 to 1; NULL: no request in the window',
    errors_per_second Float64 COMMENT 'Failed requests per second'
)
AS SELECT
    tenant,
    service,
    window_seconds,
    window_start,
    total,
    errors,
    errors / nullIf(total, 0) AS error_ratio,
    errors / window_seconds AS errors_per_second
FROM sla_windows FINAL
COMMENT 'Error rate per service and window';
