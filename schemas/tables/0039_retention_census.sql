-- Why: an auditor asks what was deleted when. Rows that expire leave no trace, so what there is is counted from time to
-- time, and what is less than before has been deleted in between. Only what changed is written.
CREATE TABLE IF NOT EXISTS retention_census
(
    taken_at DateTime64(3, 'UTC') COMMENT 'When it was counted (UTC)',
    table_name LowCardinality(String) COMMENT 'Table',
    tenant LowCardinality(String) COMMENT 'Tenant; empty where the table has none',
    day DateTime64(3, 'UTC') COMMENT 'Beginning of the day on which the rows came (UTC)',
    rows UInt64 COMMENT 'Rows of that day then'
)
ENGINE = MergeTree
ORDER BY (table_name, tenant, day, taken_at)
COMMENT 'How many rows of each day there were, whenever that had changed'
