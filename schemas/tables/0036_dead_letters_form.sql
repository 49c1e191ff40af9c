-- Why: a record that cannot be read may be about anybody, so only its form is kept; the record is in its topic.
ALTER TABLE dead_letters
    MODIFY COLUMN value String COMMENT 'Form of the record: its letters are x, its digits 0, words of the schema as they came'
