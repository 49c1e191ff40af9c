-- Why: what each compliance policy said about each event, with the position of the record that is its evidence.
CREATE TABLE IF NOT EXISTS verdicts
(
    time DateTime64(3, 'UTC') CODEC(Delta(8), LZ4) COMMENT 'When the judged event happened (UTC)',
    tenant LowCardinality(String) COMMENT 'Tenant the event belongs to',
    service LowCardinality(String) COMMENT 'Service that published the event',
    policy LowCardinality(String) COMMENT 'Policy that judged',
    framework LowCardinality(String) COMMENT 'Framework of the control: gdpr, hipaa, pci or soc2',
    control LowCardinality(String) COMMENT 'Control of the framework, such as art-32 or 164.312(b)',
    verdict LowCardinality(String) COMMENT 'compliant, non_compliant or not_evaluated (the event does not say what the policy needs)',
    reason LowCardinality(String) COMMENT 'Why it is not compliant or could not be evaluated, without content of the event; else empty',
    event_type LowCardinality(String) COMMENT 'Type of the judged event: security or processing',
    event_id String COMMENT 'CloudEvents id of the judged event',
    _topic LowCardinality(String) COMMENT 'Kafka topic of the judged record',
    _partition Int32 COMMENT 'Kafka partition of the judged record',
    _offset Int64 CODEC(Delta(8), LZ4) COMMENT 'Kafka offset of the judged record',
    _incarnation LowCardinality(String) COMMENT 'Which life of the topic: a topic that was deleted and created again starts at offset 0',
    ingested_at DateTime64(3, 'UTC') COMMENT 'When the batch of the record was declared (UTC); the same for the whole batch',
    INDEX offsets _offset TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(ingested_at)
ORDER BY (tenant, framework, control, time)
TTL toDateTime(ingested_at) + INTERVAL {retention_days} DAY
SETTINGS non_replicated_deduplication_window = 20000
COMMENT 'Verdicts of the compliance policies, one per judged event, policy and control';
