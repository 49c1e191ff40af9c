-- Why: what identifies somebody is stored as a pseudonym now, and whoever reads the table should know.
ALTER TABLE raw_processing
    MODIFY COLUMN data_subject String COMMENT 'Whose data: a pseudonym, see tidewatch reveal; empty: not stated',
    MODIFY COLUMN consent_id String COMMENT 'The record of the consent: a pseudonym; empty: not stated',
    MODIFY COLUMN actor String COMMENT 'Who processed the data: a pseudonym; empty: not stated',
    MODIFY COLUMN recipient String COMMENT 'Who received the data: a pseudonym; empty: nobody or not stated'
