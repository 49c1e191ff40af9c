-- Why: every security event as it was published, exactly once: what an investigation and an audit start from.
CREATE TABLE IF NOT EXISTS raw_security
(
    time DateTime64(3, 'UTC') CODEC(Delta(8), LZ4) COMMENT 'When it happened, as the publisher says (UTC)',
    tenant LowCardinality(String) COMMENT 'Tenant the event belongs to',
    service LowCardinality(String) COMMENT 'Service that saw the event',
    kind LowCardinality(String) COMMENT 'Kind of act: auth_success, auth_failure, unauthorized_attempt, data_access, phi_access ...',
    outcome LowCardinality(String) COMMENT 'success, failure, denied or unknown',
    actor String COMMENT 'Who acted: a user, a role, a key id; empty: not stated',
    address String COMMENT 'Where the actor came from: an IP address or a host name; empty: not stated',
    target String COMMENT 'What was acted upon; empty: not stated',
    action String COMMENT 'What was asked for, in the words of the source, such as GetSecretValue',
    reason String COMMENT 'Why it ended this way, in the words of the source',
    purpose String COMMENT 'Why the data was needed, such as treatment; empty: not stated',
    encrypted Nullable(Bool) COMMENT 'Whether the data was encrypted; NULL: not stated',
    authorized Nullable(Bool) COMMENT 'Whether the actor was authorized; NULL: not stated',
    mfa Nullable(Bool) COMMENT 'Whether a second factor was used; NULL: not stated',
    attributes Map(LowCardinality(String), String) COMMENT 'Further attributes of the event',
    event_id String COMMENT 'CloudEvents id: unique together with source',
    source LowCardinality(String) COMMENT 'CloudEvents source',
    _topic LowCardinality(String) COMMENT 'Kafka topic of the record',
    _partition Int32 COMMENT 'Kafka partition of the record',
    _offset Int64 CODEC(Delta(8), LZ4) COMMENT 'Kafka offset of the record',
    _incarnation LowCardinality(String) COMMENT 'Which life of the topic: a topic that was deleted and created again starts at offset 0',
    ingested_at DateTime64(3, 'UTC') COMMENT 'When the batch of the record was declared (UTC); the same for the whole batch',
    INDEX offsets _offset TYPE minmax GRANULARITY 1,
    INDEX actors actor TYPE bloom_filter GRANULARITY 4,
    INDEX addresses address TYPE bloom_filter GRANULARITY 4
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(ingested_at)
ORDER BY (tenant, service, kind, time)
TTL toDateTime(ingested_at) + INTERVAL {retention_days} DAY
SETTINGS non_replicated_deduplication_window = 20000
COMMENT 'Security events as published, each exactly once';
