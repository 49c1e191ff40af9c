-- Why: every heartbeat and check result as it was published, exactly once: when a component was seen, and how.
CREATE TABLE IF NOT EXISTS raw_health
(
    time DateTime64(3, 'UTC') CODEC(Delta(8), LZ4) COMMENT 'When it happened, as the publisher says (UTC)',
    tenant LowCardinality(String) COMMENT 'Tenant the event belongs to',
    service LowCardinality(String) COMMENT 'Service that was checked',
    component LowCardinality(String) COMMENT 'Part of the service that was checked; empty: the service as a whole',
    status LowCardinality(String) COMMENT 'up, degraded or down',
    check_duration_ms Float64 COMMENT 'How long the check took, milliseconds',
    dependency LowCardinality(String) COMMENT 'Service or component that the check depends on; empty: none',
    message String COMMENT 'What the check said',
    event_id String COMMENT 'CloudEvents id: unique together with source',
    source LowCardinality(String) COMMENT 'CloudEvents source',
    _topic LowCardinality(String) COMMENT 'Kafka topic of the record',
    _partition Int32 COMMENT 'Kafka partition of the record',
    _offset Int64 CODEC(Delta(8), LZ4) COMMENT 'Kafka offset of the record',
    _incarnation LowCardinality(String) COMMENT 'Which life of the topic: a topic that was deleted and created again starts at offset 0',
    ingested_at DateTime64(3, 'UTC') COMMENT 'When the batch of the record was declared (UTC); the same for the whole batch',
    INDEX offsets _offset TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(ingested_at)
ORDER BY (tenant, service, component, time)
TTL toDateTime(ingested_at) + INTERVAL {retention_days} DAY
SETTINGS non_replicated_deduplication_window = 20000
COMMENT 'Heartbeats and check results as published, each exactly once';
