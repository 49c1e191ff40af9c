-- Why: the one place of the keys of persons. Whoever destroys a row here makes every copy of what it encrypts unreadable,
-- wherever that is. Replaced parts are therefore removed at once, and never before the new ones are on the disk.
CREATE TABLE IF NOT EXISTS subject_keys
(
    tenant LowCardinality(String) COMMENT 'Tenant whose key wraps this one',
    person String COMMENT 'Pseudonym of the person; empty: the fingerprint of the key of pseudonyms',
    key_id String COMMENT 'Which key: ciphertexts name it',
    wrapped String COMMENT 'The key, encrypted under a version of the tenant''s key',
    version UInt64 COMMENT 'When it was wrapped, epoch ms: the highest one is the truth',
    created_at DateTime64(3, 'UTC') COMMENT 'When the key was made (UTC)'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (tenant, person, key_id)
SETTINGS old_parts_lifetime = 1, fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1
COMMENT 'Keys of persons, wrapped: read with FINAL; a person has one, or several when workers met it at the same time'
