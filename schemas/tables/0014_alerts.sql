-- Why: what is firing now, and what each alert has been through: one row per alert, its latest state first.
CREATE VIEW IF NOT EXISTS alerts
(
    tenant String COMMENT 'Tenant whose rule it is',
    rule String COMMENT 'Name of the alert rule',
    fingerprint UInt64 COMMENT 'Identity of the alert: a hash of its labels',
    labels Map(String, String) COMMENT 'Labels of the alert',
    severity String COMMENT 'Label severity: critical, high, medium or low; empty: not given',
    state String COMMENT 'Latest state: pending, firing, resolved or inactive',
    value Float64 COMMENT 'Value of the expression when that state was entered or last sent',
    active_at DateTime64(3, 'UTC') COMMENT 'When the condition last became true (UTC, event time)',
    changed_at DateTime64(3, 'UTC') COMMENT 'When the latest state was entered (UTC, event time)',
    annotations Map(String, String) COMMENT 'Annotations as last rendered',
    fired UInt64 COMMENT 'How often the alert has fired',
    history Array(Tuple(changed_at DateTime64(3, 'UTC'), state String)) COMMENT 'All transitions, oldest first, without repetitions'
)
AS SELECT
    tenant,
    rule,
    fingerprint,
    argMax(h.labels, moment) AS labels,
    labels['severity'] AS severity,
    argMax(h.state, moment) AS state,
    argMax(h.value, moment) AS value,
    argMax(h.active_at, moment) AS active_at,
    max(h.changed_at) AS changed_at,
    argMax(h.annotations, moment) AS annotations,
    countIf(h.state = 'firing' AND h.reason != 'resend') AS fired,
    arraySort(groupArrayIf((h.changed_at, toString(h.state)), h.reason != 'resend')) AS history
FROM
(
    SELECT
        *,
        (changed_at, recorded_at) AS moment
    FROM alert_history FINAL
) AS h
GROUP BY tenant, rule, fingerprint
COMMENT 'Latest state of every alert, with its history';
