-- Why: what a court or an authority has asked to keep must not expire, whatever retention says, until it is released.
CREATE TABLE IF NOT EXISTS legal_holds
(
    at DateTime64(3, 'UTC') COMMENT 'When it was placed or released (UTC)',
    tenant LowCardinality(String) COMMENT 'Tenant whose rows are held',
    table_name LowCardinality(String) COMMENT 'Table of which they are; empty: all',
    held Bool COMMENT 'true: placed; false: released. The latest one counts',
    reason String COMMENT 'Why, as the operator said',
    author String COMMENT 'Who did it'
)
ENGINE = MergeTree
ORDER BY (tenant, table_name, at)
COMMENT 'Legal holds, placed and released: acts, and so kept for ever'
