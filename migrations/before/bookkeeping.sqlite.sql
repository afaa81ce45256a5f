-- As bookkeeping.sql.
CREATE TABLE IF NOT EXISTS aiconsql_migrations (
    migration_id TEXT PRIMARY KEY NOT NULL,
    sha256       TEXT NOT NULL,
    oldest_code  INTEGER NOT NULL,
    phase        TEXT NOT NULL CHECK (phase IN ('pre', 'post')),
    applied_at   TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000+00:00', 'now'))
) STRICT;
