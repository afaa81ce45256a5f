-- The functions of 0001.vocabulary.sql are taught to each connection; schema objects here use only those of a bare sqlite3.

-- Who changes rows: one row while a unit of work runs, none when somebody edits by hand.
CREATE TABLE aiconsql_context (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    actor    TEXT NOT NULL,
    reason   TEXT,
    write_id TEXT
) STRICT;
