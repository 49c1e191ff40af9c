-- Why: every act of data processing as it was published, exactly once: the evidence behind each compliance verdict.
CREATE TABLE IF NOT EXISTS raw_processing
(
    time DateTime64(3, 'UTC') CODEC(Delta(8), LZ4) COMMENT 'When it happened, as the publisher says (UTC)',
    tenant LowCardinality(String) COMMENT 'Tenant the event belongs to',
    service LowCardinality(String) COMMENT 'Service that processed the data',
    operation LowCardinality(String) COMMENT 'What was done: read, write, export, share, delete or a name of the service''s own',
    data_categories Array(LowCardinality(String)) COMMENT 'Kinds of data: personal, special-category, phi, cardholder ...',
    data_subject String COMMENT 'Whose data; empty: not stated',
    purpose LowCardinality(String) COMMENT 'What for; empty: not stated',
    legal_basis LowCardinality(String) COMMENT 'Ground of GDPR art. 6(1): consent, contract ...; empty: not stated',
    consent Nullable(Bool) COMMENT 'Whether the data subject consented; NULL: not stated',
    consent_id String COMMENT 'The record of the consent; empty: not stated',
    actor String COMMENT 'Who processed the data; empty: not stated',
    recipient String COMMENT 'Who received the data; empty: nobody or not stated',
    location LowCardinality(String) COMMENT 'Where: an ISO 3166 country code or EU; empty: not stated',
    encrypted Nullable(Bool) COMMENT 'Whether the data was encrypted; NULL: not stated',
    retention_days Nullable(Int32) COMMENT 'How long the data is kept, days; NULL: not stated',
    attributes Map(LowCardinality(String), String) COMMENT 'Further attributes of the event',
    event_id String COMMENT 'CloudEvents id: unique together with source',
    source LowCardinality(String) COMMENT 'CloudEvents source',
    _topic LowCardinality(String) COMMENT 'Kafka topic of the record',
    _partition Int32 COMMENT 'Kafka partition of the record',
    _offset Int64 CODEC(Delta(8), LZ4) COMMENT 'Kafka offset of the record',
    _incarnation LowCardinality(String) COMMENT 'Which life of the topic: a topic that was deleted and created again starts at offset 0',
    ingested_at DateTime64(3, 'UTC') COMMENT 'When the batch of the record was declared (UTC); the same for the whole batch',
    INDEX offsets _offset TYPE minmax GRANULARITY 1,
    INDEX subjects data_subject TYPE bloom_filter GRANULARITY 4
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(ingested_at)
ORDER BY (tenant, service, operation, time)
TTL toDateTime(ingested_at) + INTERVAL {retention_days} DAY
SETTINGS non_replicated_deduplication_window = 20000
COMMENT 'Acts of data processing as published, each exactly once';
