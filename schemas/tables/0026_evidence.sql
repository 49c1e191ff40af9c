-- Why: the evidence ledger: violations and administrative acts, one chain of hashes a tenant. The bytes of an entry are
-- what is hashed, so everything else is read out of them. A worker that repeats a part of the log writes the same rows.
CREATE TABLE IF NOT EXISTS evidence
(
    tenant LowCardinality(String) COMMENT 'Tenant whose chain it is',
    chain LowCardinality(String) COMMENT 'Which chain of the tenant: life and partition of the topic evidence, offset at which the chain began',
    seq UInt64 CODEC(Delta(8), LZ4) COMMENT 'Number of the entry in its chain, from 0 on without gaps',
    at DateTime64(3, 'UTC') CODEC(Delta(8), LZ4) COMMENT 'When it was entered (UTC, clock of the Kafka broker)',
    version UInt64 CODEC(Delta(8), LZ4) COMMENT 'Offset of its record in the topic evidence: a repeated row has the same one',
    entry String CODEC(ZSTD(1)) COMMENT 'The bytes that are hashed: JSON with sorted keys; see docs/reference/evidence.md',
    hash String ALIAS lower(hex(SHA256(concat(char(0), entry)))) COMMENT 'Leaf hash of the entry (RFC 6962), which the next entry names',
    kind String ALIAS JSONExtractString(entry, 'kind') COMMENT 'violation, policies, attestation, erasure, access, acknowledged, silenced ...',
    body String ALIAS JSONExtractRaw(entry, 'body') COMMENT 'What the entry says, by kind',
    author String ALIAS JSONExtractString(entry, 'body', 'by') COMMENT 'Of an act: by whom',
    service String ALIAS JSONExtractString(entry, 'body', 'service') COMMENT 'Of a violation: service that published the event',
    policy String ALIAS JSONExtractString(entry, 'body', 'policy') COMMENT 'Of a violation: policy that judged'
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(at)
ORDER BY (tenant, chain, seq)
TTL toDateTime(at) + INTERVAL {retention_days} DAY
COMMENT 'Evidence ledger, one row per entry: read with FINAL; tidewatch audit verify proves it';
