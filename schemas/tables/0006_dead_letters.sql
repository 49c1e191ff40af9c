-- Why: a record that cannot be an event is kept with its reason, so that nothing is dropped unseen: raw rows plus dead
-- letters equal what was published. It has no tenant: a record that cannot be read belongs to nobody yet.
CREATE TABLE IF NOT EXISTS dead_letters
(
    reason LowCardinality(String) COMMENT 'Short category of what is wrong, such as malformed_json',
    detail String COMMENT 'One sentence on what is wrong, without content of the record',
    value String COMMENT 'Bytes of the record as they came',
    record_time DateTime64(3, 'UTC') COMMENT 'Kafka time stamp of the record (UTC)',
    _topic LowCardinality(String) COMMENT 'Kafka topic of the record',
    _partition Int32 COMMENT 'Kafka partition of the record',
    _offset Int64 CODEC(Delta(8), LZ4) COMMENT 'Kafka offset of the record',
    _incarnation LowCardinality(String) COMMENT 'Which life of the topic: a topic that was deleted and created again starts at offset 0',
    ingested_at DateTime64(3, 'UTC') COMMENT 'When the batch of the record was declared (UTC); the same for the whole batch',
    INDEX offsets _offset TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(ingested_at)
ORDER BY (reason, _topic, _partition, _offset)
TTL toDateTime(ingested_at) + INTERVAL {retention_days} DAY
SETTINGS non_replicated_deduplication_window = 20000
COMMENT 'Records that were refused, each exactly once, with the reason';
