-- Why: what identifies somebody is stored as a pseudonym now, and whoever reads the table should know.
ALTER TABLE raw_security
    MODIFY COLUMN actor String COMMENT 'Who acted: a pseudonym, see tidewatch reveal; empty: not stated',
    MODIFY COLUMN address String COMMENT 'Where the actor came from: a pseudonym; empty: not stated',
    MODIFY COLUMN target String COMMENT 'What was acted upon, a pseudonym where it is the record of a person; empty: not stated'
