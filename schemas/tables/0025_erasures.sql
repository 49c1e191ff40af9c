-- Why: what is repeated or replayed after an erasure must not bring the person back, and a regulator asks when it was done.
CREATE TABLE IF NOT EXISTS erasures
(
    erased_at DateTime64(3, 'UTC') COMMENT 'When the keys were destroyed (UTC); older records of the person are no longer sealed',
    tenant LowCardinality(String) COMMENT 'Tenant whose person it was',
    person String COMMENT 'Pseudonym of the person',
    reason String COMMENT 'Why, as the operator said',
    author String COMMENT 'Who did it',
    keys Array(String) COMMENT 'Ids of the keys that were destroyed',
    proof String COMMENT 'SHA-256 of these wrapped keys, hexadecimal: of what is no longer there'
)
ENGINE = MergeTree
ORDER BY (erased_at, tenant, person)
COMMENT 'Erasures of persons: acts, and so kept for ever'
