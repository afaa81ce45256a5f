-- AIcons: agents that are kept whole. A row of `aicons` is the agent's own part; factors, sensors and binary data are its other parts.
-- `version` moves with every change of the agent or of a part of it; a part, and the agent's own columns (`self_version`),
-- keep the version at their last change. So two writers of different parts both win, and two writers of one conflict.
-- history: aicons owner=id key=id content=content self=self_version
-- history: factors owner=aicon_id key=name content=samples part-of=aicons
-- history: sensors owner=aicon_id key=name content=content part-of=aicons
-- history: binary_data owner=aicon_id key=name content=data part-of=aicons

CREATE TABLE aicons (
    tenant_id        text COLLATE "C" NOT NULL DEFAULT current_tenant(),
    id               text COLLATE "C" NOT NULL CHECK (id <> ''),
    version          bigint NOT NULL DEFAULT 0,
    self_version     bigint NOT NULL DEFAULT 0,
    name             text COLLATE "C" NOT NULL,
    aicon_type       text COLLATE "C" NOT NULL,
    capabilities     json NOT NULL DEFAULT '[]',
    config           json NOT NULL DEFAULT '{}',
    state            json NOT NULL DEFAULT '{}',
    metadata         json NOT NULL DEFAULT '{}',
    content          bytea,                       -- parts of documents too large for their columns
    iterations       bigint NOT NULL DEFAULT 0,   -- run statistics: counted and merged, never overwritten
    start_time       timestamptz,
    last_update_time timestamptz,
    created_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_updated     timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX aicons_name ON aicons (tenant_id, name, id);
CREATE INDEX aicons_recent ON aicons (tenant_id, last_updated, id);
CREATE INDEX aicons_recent_of_type ON aicons (tenant_id, aicon_type, last_updated, id);

CREATE TABLE factors (
    tenant_id      text COLLATE "C" NOT NULL DEFAULT current_tenant(),
    aicon_id       text COLLATE "C" NOT NULL,
    name           text COLLATE "C" NOT NULL,
    version        bigint NOT NULL DEFAULT 0,
    factor_type    text COLLATE "C" NOT NULL CHECK (factor_type IN ('continuous', 'categorical', 'discrete')),
    parameters     json NOT NULL DEFAULT '{}',    -- uncertainty, bounds, categories, probabilities, distribution
    current_belief jsonb NOT NULL DEFAULT '{}',   -- {"value": …}; merged in the database
    samples        bytea,                         -- parts of one array
    created_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_updated   timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, aicon_id, name),
    FOREIGN KEY (tenant_id, aicon_id) REFERENCES aicons (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX factors_name ON factors (tenant_id, name, aicon_id);

CREATE TABLE sensors (
    tenant_id     text COLLATE "C" NOT NULL DEFAULT current_tenant(),
    aicon_id      text COLLATE "C" NOT NULL,
    name          text COLLATE "C" NOT NULL,
    version       bigint NOT NULL DEFAULT 0,
    sensor_type   text COLLATE "C" NOT NULL,
    configuration json NOT NULL DEFAULT '{}',
    metadata      json NOT NULL DEFAULT '{}',
    content       bytea,
    last_update   timestamptz,                    -- when the sensor last delivered, by its own account
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_updated  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, aicon_id, name),
    FOREIGN KEY (tenant_id, aicon_id) REFERENCES aicons (tenant_id, id) ON DELETE CASCADE
);

-- Named nested objects with arrays; the brain is the one named 'brain'.
CREATE TABLE binary_data (
    tenant_id    text COLLATE "C" NOT NULL DEFAULT current_tenant(),
    aicon_id     text COLLATE "C" NOT NULL,
    name         text COLLATE "C" NOT NULL,
    version      bigint NOT NULL DEFAULT 0,
    format       text COLLATE "C" NOT NULL,
    manifest     json NOT NULL,                   -- the plain values, with the places of the arrays
    data         bytea,                           -- parts of the arrays
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_updated timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, aicon_id, name),
    FOREIGN KEY (tenant_id, aicon_id) REFERENCES aicons (tenant_id, id) ON DELETE CASCADE
);

-- The update history of an AIcon: rows of their own, numbered by iteration, trimmed by a policy on each save.
CREATE TABLE aicon_updates (
    tenant_id text COLLATE "C" NOT NULL DEFAULT current_tenant(),
    aicon_id  text COLLATE "C" NOT NULL,
    iteration bigint NOT NULL,
    time      timestamptz NOT NULL,
    source    text COLLATE "C" NOT NULL,
    success   boolean NOT NULL,
    metadata  json,
    PRIMARY KEY (tenant_id, aicon_id, iteration),
    FOREIGN KEY (tenant_id, aicon_id) REFERENCES aicons (tenant_id, id) ON DELETE CASCADE
);
