-- One column of each type, and a child with a tenant.
CREATE TABLE things (
    tenant_id text COLLATE "C" NOT NULL DEFAULT current_tenant(),
    id        text COLLATE "C" NOT NULL CHECK (id <> ''),
    n         bigint NOT NULL DEFAULT 0,
    small     smallint CHECK (small IN (1, 2, 3)),
    middle    integer,
    real      double precision,
    ok        boolean NOT NULL DEFAULT false,
    at        timestamptz,
    doc       json NOT NULL DEFAULT '{}',
    belief    jsonb NOT NULL DEFAULT '{}'::jsonb,
    bytes     bytea DEFAULT '\x00ff',
    made_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX things_recent ON things (tenant_id, at DESC, id);
CREATE UNIQUE INDEX things_small ON things (tenant_id, small, lower(id)) WHERE ok;

CREATE TABLE parts_of (
    tenant_id text COLLATE "C" NOT NULL DEFAULT current_tenant(),
    thing_id  text COLLATE "C" NOT NULL,
    name      text COLLATE "C" NOT NULL,
    version   bigint NOT NULL DEFAULT 1,
    note      text COLLATE "C",
    PRIMARY KEY (tenant_id, thing_id, name),
    FOREIGN KEY (tenant_id, thing_id) REFERENCES things (tenant_id, id) ON DELETE CASCADE
);
COMMENT ON TABLE parts_of IS 'dropped on SQLite';
ALTER TABLE things ALTER COLUMN bytes SET STORAGE EXTERNAL;
ALTER TABLE parts_of ADD COLUMN weight double precision NOT NULL DEFAULT 1.5;
