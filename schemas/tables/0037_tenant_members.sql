-- Why: analysts see the rows of their own tenants and no others; the row policies of deploy/clickhouse ask this table.
CREATE TABLE IF NOT EXISTS tenant_members
(
    member String COMMENT 'User of ClickHouse',
    tenant LowCardinality(String) COMMENT 'Tenant whose rows the user may see',
    until DateTime64(3, 'UTC') COMMENT 'Until when (UTC)'
)
ENGINE = MergeTree
ORDER BY (member, tenant)
COMMENT 'Which user may see the rows of which tenant'
