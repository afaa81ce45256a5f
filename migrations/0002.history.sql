-- Content-addressed bytes, and the history that triggers write. Both are kept for as long as something needs them.
-- application: history select
-- application: parts select, insert

-- Bytes above about 2 KiB: one row per distinct part of a tenant, addressed by the SHA-256 of its raw bytes.
-- A row of another table refers to its parts by a packed list of these addresses (32 bytes each) in its content column.
CREATE TABLE parts (
    tenant_id  text COLLATE "C" NOT NULL DEFAULT current_tenant(),
    hash       bytea NOT NULL CHECK (octet_length(hash) = 32),
    codec      smallint NOT NULL CHECK (codec IN (0, 1)),  -- 0 as it is, 1 zstd
    bytes      bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, hash)
);
-- Parts are compressed by the client where that helps; trying again would only cost time.
ALTER TABLE parts ALTER COLUMN bytes SET STORAGE EXTERNAL;

-- One entry per change of a tracked row: the row after it (NULL for a removal); the row before is the previous entry.
CREATE TABLE history (
    tenant_id text COLLATE "C" NOT NULL,
    owner     text COLLATE "C" NOT NULL,  -- id of the whole that the row is part of
    tbl       text COLLATE "C" NOT NULL,
    key       text COLLATE "C" NOT NULL,
    seq       bigint GENERATED ALWAYS AS IDENTITY,
    version   bigint NOT NULL,            -- the owner's version at this change
    op        text COLLATE "C" NOT NULL CHECK (op IN ('I', 'U', 'D')),
    after     json,
    content   bytea,                      -- packed part addresses, never the bytes
    at        timestamptz NOT NULL,
    actor     text COLLATE "C" NOT NULL,
    reason    text COLLATE "C",
    write_id  text COLLATE "C",           -- the client's name for the write, so that a repeated one is recognised
    PRIMARY KEY (tenant_id, owner, tbl, key, seq)
);
