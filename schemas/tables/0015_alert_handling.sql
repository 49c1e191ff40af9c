-- Why: what people and Alertmanager make of a firing alert belongs to its history: steps of its ladder, acknowledgements,
-- silences. Such a row repeats the state that it happens in, so whoever asks for states need not know of it.
ALTER TABLE alert_history
    ADD COLUMN step String COMMENT 'Reason escalated: the step of the ladder that was told',
    ADD COLUMN noted_at DateTime64(3, 'UTC') COMMENT 'When it happened (UTC, clock on the wall); 1970 for transitions, whose time is changed_at',
    ADD COLUMN author String COMMENT 'Reason acknowledged: by whom',
    ADD COLUMN comment String COMMENT 'Reason acknowledged: in their words',
    ADD COLUMN until DateTime64(3, 'UTC') COMMENT 'Reason acknowledged: until when; 1970: until it is resolved',
    MODIFY COLUMN reason LowCardinality(String) COMMENT 'condition_true, held_for, condition_false or resend; of a firing alert also escalated, acknowledged, silenced, inhibited or released',
    MODIFY ORDER BY (tenant, rule, fingerprint, changed_at, state, reason, step, noted_at)
