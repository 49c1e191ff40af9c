-- Why: controls that no event can witness are vouched for by people, for a time. What they said stands in the evidence
-- ledger; here it is as a table, with what it means now. The latest word about a control is the one that counts.
CREATE VIEW IF NOT EXISTS attestations
(
    tenant String COMMENT 'Tenant',
    framework String COMMENT 'Framework: gdpr, hipaa, pci or soc2',
    control String COMMENT 'Control that is attested to',
    attested_at DateTime64(3, 'UTC') COMMENT 'When it was entered into the ledger (UTC)',
    until DateTime64(3, 'UTC') COMMENT 'Until when it holds (UTC)',
    author String COMMENT 'Who attests',
    statement String COMMENT 'In their words',
    evidence Array(String) COMMENT 'Links to what supports it',
    is_latest Bool COMMENT 'Whether nothing later was said about the control',
    is_expired Bool COMMENT 'Whether it no longer holds'
)
AS SELECT
    tenant,
    JSONExtractString(entry, 'body', 'framework') AS framework,
    JSONExtractString(entry, 'body', 'control') AS control,
    at AS attested_at,
    fromUnixTimestamp64Milli(JSONExtractInt(entry, 'body', 'until'), 'UTC') AS until,
    JSONExtractString(entry, 'body', 'by') AS author,
    JSONExtractString(entry, 'body', 'statement') AS statement,
    JSONExtract(entry, 'body', 'evidence', 'Array(String)') AS evidence,
    (at, seq) = max((at, seq)) OVER (PARTITION BY tenant, framework, control) AS is_latest,
    until <= now64(3, 'UTC') AS is_expired
FROM evidence FINAL
WHERE JSONExtractString(entry, 'kind') = 'attestation'
COMMENT 'What people attest to, one row per attestation'
