-- As 0002.history.sql; here the sequence number is the primary key, which AUTOINCREMENT never gives out twice.

CREATE TABLE parts (
    tenant_id  TEXT NOT NULL DEFAULT 'default',
    hash       BLOB NOT NULL CHECK (length(hash) = 32),
    codec      INTEGER NOT NULL CHECK (codec IN (0, 1)),
    bytes      BLOB NOT NULL,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000+00:00', 'now')),
    PRIMARY KEY (tenant_id, hash)
) STRICT;

CREATE TABLE history (
    tenant_id TEXT NOT NULL,
    owner     TEXT NOT NULL,
    tbl       TEXT NOT NULL,
    key       TEXT NOT NULL,
    seq       INTEGER PRIMARY KEY AUTOINCREMENT,
    version   INTEGER NOT NULL,
    op        TEXT NOT NULL CHECK (op IN ('I', 'U', 'D')),
    after     TEXT,
    content   BLOB,
    at        TEXT NOT NULL,
    actor     TEXT NOT NULL,
    reason    TEXT,
    write_id  TEXT
) STRICT;
CREATE UNIQUE INDEX history_pkey ON history (tenant_id, owner, tbl, key, seq);
