-- Why: every transition of every alert, so that an incident can be told afterwards. A transition that is recorded twice
-- (a worker died after writing it) is one row; the view alerts shows the latest state.
CREATE TABLE IF NOT EXISTS alert_history
(
    tenant LowCardinality(String) COMMENT 'Tenant whose rule it is',
    rule LowCardinality(String) COMMENT 'Name of the alert rule (the label alertname)',
    rule_group LowCardinality(String) COMMENT 'File and group of the rule',
    fingerprint UInt64 COMMENT 'Identity of the alert: a hash of its labels',
    labels Map(LowCardinality(String), String) COMMENT 'Labels of the alert: its identity',
    annotations Map(LowCardinality(String), String) COMMENT 'Annotations as they were rendered for this transition',
    state LowCardinality(String) COMMENT 'pending, firing, resolved (was firing and is over) or inactive (was pending and never fired)',
    reason LowCardinality(String) COMMENT 'condition_true, held_for, condition_false or resend',
    value Float64 COMMENT 'Value of the expression at this transition',
    active_at DateTime64(3, 'UTC') COMMENT 'When the condition became true (UTC, event time)',
    changed_at DateTime64(3, 'UTC') COMMENT 'When this state was entered (UTC, event time)',
    expression String COMMENT 'Expression of the rule',
    recorded_at DateTime64(3, 'UTC') COMMENT 'When the row was written (UTC); decides when it expires'
)
ENGINE = ReplacingMergeTree(recorded_at)
ORDER BY (tenant, rule, fingerprint, changed_at, state, reason)
TTL toDateTime(recorded_at) + INTERVAL {retention_days} DAY
COMMENT 'Transitions of alerts: read with FINAL, or the view alerts for the latest state';
