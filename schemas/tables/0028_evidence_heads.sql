-- Why: what is not sealed yet must not be taken away unseen either: the head of a chain says, signed, how far it has come.
CREATE TABLE IF NOT EXISTS evidence_heads
(
    tenant LowCardinality(String) COMMENT 'Tenant whose chain it is',
    chain LowCardinality(String) COMMENT 'Which chain of the tenant',
    version UInt64 COMMENT 'Offset of the topic evidence up to which it holds: the highest one is the truth',
    entries UInt64 COMMENT 'How many entries the chain has',
    at DateTime64(3, 'UTC') COMMENT 'When that was (UTC, clock of the Kafka broker)',
    head String COMMENT 'The bytes that are signed: JSON with sorted keys; see docs/reference/evidence.md',
    signature String COMMENT 'Ed25519 signature of head, hexadecimal; empty: no key was configured'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (tenant, chain)
COMMENT 'How far each chain of the evidence ledger has come, one row per chain: read with FINAL';
