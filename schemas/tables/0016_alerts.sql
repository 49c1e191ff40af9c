-- Why: what is firing now, who has been told, and who has it in hand: one row per alert, in its latest state.
CREATE OR REPLACE VIEW alerts
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
    step String COMMENT 'Step of its ladder that was told last; empty: none, or it no longer fires',
    muted String COMMENT 'silenced or inhibited while Alertmanager does that to a firing alert with a ladder; empty: neither',
    acknowledged_by String COMMENT 'Who acknowledged it; empty: nobody, or it no longer fires',
    acknowledged_until DateTime64(3, 'UTC') COMMENT 'Until when (UTC); 1970: until it is resolved',
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
    countIf(h.state = 'firing' AND h.is_transition) AS fired,
    argMax(h.step, (h.changed_at, h.reason = 'escalated', h.noted_at)) AS step,
    argMax(
        if(h.reason IN ('silenced', 'inhibited'), toString(h.reason), ''),
        (h.changed_at, h.reason IN ('silenced', 'inhibited', 'released'), h.noted_at)
    ) AS muted,
    argMax(h.author, (h.changed_at, h.reason = 'acknowledged', h.noted_at)) AS acknowledged_by,
    argMax(h.until, (h.changed_at, h.reason = 'acknowledged', h.noted_at)) AS acknowledged_until,
    arraySort(groupArrayIf((h.changed_at, toString(h.state)), h.is_transition)) AS history
FROM
(
    SELECT
        *,
        (changed_at, recorded_at) AS moment,
        reason IN ('condition_true', 'held_for', 'condition_false') AS is_transition
    FROM alert_history FINAL
) AS h
GROUP BY tenant, rule, fingerprint
COMMENT 'Latest state of every alert, with its history';
