-- Why: an auditor asks of a verdict: about which bytes, and by which text of the policy? The two digests answer that. The
-- severity is that of the policy then, which may have another one now.
ALTER TABLE verdicts
    ADD COLUMN severity LowCardinality(String) COMMENT 'Severity of the policy: critical, high, medium or low' AFTER verdict,
    ADD COLUMN policy_digest LowCardinality(String) COMMENT 'SHA-256 of the file of the policy, hexadecimal: the version that judged' AFTER policy,
    ADD COLUMN event_digest FixedString(32) COMMENT 'SHA-256 of the value of the judged record; hex(event_digest) shows it' AFTER event_id
