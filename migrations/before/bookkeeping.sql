-- What was applied here, beside yoyo's own tables: written in the transaction of the migration itself.
CREATE TABLE IF NOT EXISTS aiconsql_migrations (
    migration_id text COLLATE "C" PRIMARY KEY,
    sha256       text COLLATE "C" NOT NULL,     -- of the file, with Unix line ends
    oldest_code  integer NOT NULL,              -- number of the newest migration that a program must know
    phase        text COLLATE "C" NOT NULL CHECK (phase IN ('pre', 'post')),
    applied_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);
