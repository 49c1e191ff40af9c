-- Why: every metric, counter and latency event as it was published, exactly once, so that a window can be recomputed
-- and an analyst can look below it. Partitions follow the time of ingestion: a wrong clock at a publisher cannot spread
-- a batch over hundreds of partitions, and a repeated batch falls into the same one (which its deduplication needs).
CREATE TABLE IF NOT EXISTS raw_metrics
(
    time DateTime64(3, 'UTC') CODEC(Delta(8), LZ4) COMMENT 'When it happened, as the publisher says (UTC)',
    tenant LowCardinality(String) COMMENT 'Tenant the event belongs to',
    service LowCardinality(String) COMMENT 'Service that published the event',
    name LowCardinality(String) COMMENT 'Metric name as published, such as system.latency_ms',
    kind LowCardinality(String) COMMENT 'counter (value is an increment), gauge (value replaces) or histogram (value is one sample)',
    value Float64 COMMENT 'The increment, reading or sample, in unit',
    unit LowCardinality(String) COMMENT 'Unit of value, such as ms; empty: none',
    labels LowCardinality(String) COMMENT 'Labels of the series as JSON text; see label for a Map',
    event_id String COMMENT 'CloudEvents id: unique together with source',
    source LowCardinality(String) COMMENT 'CloudEvents source',
    _topic LowCardinality(String) COMMENT 'Kafka topic of the record',
    _partition Int32 COMMENT 'Kafka partition of the record',
    _offset Int64 CODEC(Delta(8), LZ4) COMMENT 'Kafka offset of the record',
    _incarnation LowCardinality(String) COMMENT 'Which life of the topic: a topic that was deleted and created again starts at offset 0',
    ingested_at DateTime64(3, 'UTC') COMMENT 'When the batch of the record was declared (UTC); the same for the whole batch',
    label Map(String, String) ALIAS JSONExtract(labels, 'Map(String, String)') COMMENT 'labels as a Map: label[''region'']',
    INDEX offsets _offset TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(ingested_at)
ORDER BY (tenant, service, name, time)
TTL toDateTime(ingested_at) + INTERVAL {retention_days} DAY
SETTINGS non_replicated_deduplication_window = 20000
COMMENT 'Metric events as published, each exactly once';
