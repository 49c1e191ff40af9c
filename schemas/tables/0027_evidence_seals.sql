-- Why: each hour of a chain is summed up in a seal: Merkle root, number of verdicts, signature. Seals name the one before
-- and stay when the entries they seal have expired, so that a chain can be verified from any hour on.
CREATE TABLE IF NOT EXISTS evidence_seals
(
    tenant LowCardinality(String) COMMENT 'Tenant whose chain it is',
    chain LowCardinality(String) COMMENT 'Which chain of the tenant',
    number UInt64 COMMENT 'Number of the seal in its chain, from 0 on without gaps',
    hour DateTime64(3, 'UTC') COMMENT 'Beginning of the hour that it seals (UTC)',
    first UInt64 COMMENT 'Number of the first entry that it seals',
    version UInt64 COMMENT 'Offset of the record in the topic evidence that ended the hour',
    seal String CODEC(ZSTD(1)) COMMENT 'The bytes that are signed: JSON with sorted keys; see docs/reference/evidence.md',
    signature String COMMENT 'Ed25519 signature of seal, hexadecimal; empty: no key was configured',
    entries UInt64 ALIAS JSONExtractUInt(seal, 'count') COMMENT 'How many entries it seals',
    root String ALIAS JSONExtractString(seal, 'root') COMMENT 'Merkle tree hash over them (RFC 6962)',
    key String ALIAS JSONExtractString(seal, 'key') COMMENT 'Id of the key that signed',
    hash String ALIAS lower(hex(SHA256(seal))) COMMENT 'What the next seal names'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (tenant, chain, number)
COMMENT 'Seals of the evidence ledger, one row per chain and hour with entries or verdicts: read with FINAL; never expire';
