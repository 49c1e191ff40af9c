-- Why: rows come in many small parts, and with the default of 5 a young table is merged whole again and again. This merges
-- parts when they are ten times the largest of them together: each row is written less often, and a few more parts are read.
ALTER TABLE raw_security
    MODIFY SETTING merge_selector_base = 10
