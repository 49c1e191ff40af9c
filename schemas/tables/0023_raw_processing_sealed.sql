-- Why: identifiers are stored as pseudonyms, which count and join; who it was can be revealed for as long as the key of
-- that person exists, and by nobody once it is destroyed.
ALTER TABLE raw_processing
    ADD COLUMN sealed Map(LowCardinality(String), String) COMMENT 'Field -> its value as AES-256-GCM under the key of its person; the field itself has a pseudonym' AFTER attributes
