-- AIcons: agents that are kept whole (table aicons). `version` moves with every change of the agent or of a part of it,
-- `self_version` is its value at the last change of the agent's own columns.

-- name: create(id, name, aicon_type, capabilities, config, state, metadata, content, iterations, start_time, last_update_time, created_at)^
-- Add an AIcon. An id that was used before goes on counting versions; one that is in use is a conflict.
INSERT INTO aicons (tenant_id, id, version, self_version, name, aicon_type, capabilities, config, state, metadata,
                    content, iterations, start_time, last_update_time, created_at, last_updated)
SELECT current_tenant(), :id::text, past.version + 1, past.version + 1, :name::text, :aicon_type::text,
       :capabilities::json, :config::json, :state::json, :metadata::json, :content::bytea,
       :iterations::bigint, :start_time::timestamptz, :last_update_time::timestamptz, :created_at::timestamptz, aiconsql_now()
  FROM (SELECT coalesce(max(h.version), 0) AS version
          FROM history AS h
         WHERE h.tenant_id = current_tenant() AND h.owner = :id::text) AS past
 WHERE TRUE
    ON CONFLICT (tenant_id, id) DO UPDATE
   SET version = expect_version('aicon', aicons.id, aicons.version, 0, 0)
RETURNING version, iterations, last_updated;

-- name: set(id, self_version, name, aicon_type, capabilities, config, state, metadata, content, iterations, start_time, last_update_time)^
-- Replace own columns; NULL keeps a column as it is, but content is always replaced. No row when the AIcon is gone.
UPDATE aicons AS a
   SET version          = a.version + 1,
       self_version     = expect_version('aicon', a.id, a.self_version, :self_version, a.version + 1),
       name             = coalesce(:name::text, a.name),
       aicon_type       = coalesce(:aicon_type::text, a.aicon_type),
       capabilities     = coalesce(:capabilities::json, a.capabilities),
       config           = coalesce(:config::json, a.config),
       state            = coalesce(:state::json, a.state),
       metadata         = coalesce(:metadata::json, a.metadata),
       content          = :content::bytea,
       iterations       = a.iterations + :iterations,
       start_time       = coalesce(a.start_time, :start_time::timestamptz),
       last_update_time = coalesce(:last_update_time::timestamptz, a.last_update_time),
       last_updated     = aiconsql_now()
 WHERE a.tenant_id = current_tenant() AND a.id = :id
RETURNING a.version, a.iterations, a.last_updated;

-- name: touch(id, iterations, start_time, last_update_time)^
-- Move the version because a part changes, and count iterations. Locks the AIcon: writers of parts queue here.
-- No row when the AIcon is gone.
UPDATE aicons AS a
   SET version          = a.version + 1,
       iterations       = a.iterations + :iterations,
       start_time       = coalesce(a.start_time, :start_time::timestamptz),
       last_update_time = coalesce(:last_update_time::timestamptz, a.last_update_time),
       last_updated     = aiconsql_now()
 WHERE a.tenant_id = current_tenant() AND a.id = :id
RETURNING a.version, a.iterations, a.last_updated;

-- name: lock(id)^
-- Wait until nobody else writes this AIcon, and keep others waiting until the unit ends. No row when it is gone.
SELECT a.version
  FROM aicons AS a
 WHERE a.tenant_id = current_tenant() AND a.id = :id
   FOR UPDATE;

-- name: hold(id)^
-- As lock, and undo the unit when the AIcon is gone.
SELECT require_row('aicon', :id::text, (SELECT a.version
                                          FROM aicons AS a
                                         WHERE a.tenant_id = current_tenant() AND a.id = :id::text
                                           FOR UPDATE) IS NOT NULL) AS there;

-- name: require(id)^
-- Undo the unit when the AIcon is gone.
SELECT require_row('aicon', :id::text, EXISTS (SELECT 1 FROM aicons AS a
                                                WHERE a.tenant_id = current_tenant() AND a.id = :id::text)) AS there;

-- name: find_write(id, write_id, update_time)^
-- What became of a write: `version` is what it reached, NULL when the history does not know it (it never happened, or it only
-- counted updates); `newest` is the iteration of the update recorded at `update_time`, NULL when there is none.
-- No row when the AIcon is gone.
SELECT (SELECT max(h.version) FROM history AS h
         WHERE h.tenant_id = current_tenant() AND h.owner = a.id AND h.write_id = :write_id::text) AS version,
       (SELECT max(u.iteration) FROM aicon_updates AS u
         WHERE u.tenant_id = current_tenant() AND u.aicon_id = a.id AND u.time = :update_time::timestamptz) AS newest,
       a.version AS version_now, a.iterations AS iterations, a.last_update_time AS last_update_time, a.last_updated AS last_updated
  FROM aicons AS a
 WHERE a.tenant_id = current_tenant() AND a.id = :id;

-- name: load(id, updates_n)
-- The AIcon with its factors, sensors, brain, latest updates and the parts they refer to: one row each, `kind` says which.
-- Other binary data than the brain is not the AIcon object's business.
-- No row when there is no such AIcon.
WITH RECURSIVE contents (content) AS (
    SELECT a.content FROM aicons AS a WHERE a.tenant_id = current_tenant() AND a.id = :id
    UNION SELECT f.samples FROM factors AS f WHERE f.tenant_id = current_tenant() AND f.aicon_id = :id
    UNION SELECT s.content FROM sensors AS s WHERE s.tenant_id = current_tenant() AND s.aicon_id = :id
    UNION SELECT b.data FROM binary_data AS b WHERE b.tenant_id = current_tenant() AND b.aicon_id = :id AND b.name = 'brain'
),
places (content, i) AS (
    SELECT c.content, 0 FROM contents AS c WHERE octet_length(c.content) >= 32
    UNION ALL
    SELECT p.content, p.i + 1 FROM places AS p WHERE p.i + 1 < octet_length(p.content) / 32
),
addresses (hash) AS (
    SELECT DISTINCT substr(p.content, 32 * p.i + 1, 32) FROM places AS p
)
SELECT 'aicon' AS kind, a.name AS name, a.aicon_type AS type, a.version AS version,
       a.capabilities::text AS document, a.config::text AS document2, a.state::text AS document3, a.metadata::text AS document4,
       a.content AS content, NULL::bytea AS bytes, a.self_version AS number, a.iterations AS number2,
       a.start_time AS time, a.last_update_time AS time2, a.created_at AS created_at, a.last_updated AS last_updated
  FROM aicons AS a
 WHERE a.tenant_id = current_tenant() AND a.id = :id
UNION ALL
SELECT 'factor', f.name, f.factor_type, f.version,
       f.parameters::text, f.current_belief::text, NULL, NULL,
       f.samples, NULL, NULL, NULL,
       NULL, NULL, f.created_at, f.last_updated
  FROM factors AS f
 WHERE f.tenant_id = current_tenant() AND f.aicon_id = :id
UNION ALL
SELECT 'sensor', s.name, s.sensor_type, s.version,
       s.configuration::text, s.metadata::text, NULL, NULL,
       s.content, NULL, NULL, NULL,
       s.last_update, NULL, s.created_at, s.last_updated
  FROM sensors AS s
 WHERE s.tenant_id = current_tenant() AND s.aicon_id = :id
UNION ALL
SELECT 'binary', b.name, b.format, b.version,
       b.manifest::text, NULL, NULL, NULL,
       b.data, NULL, NULL, NULL,
       NULL, NULL, b.created_at, b.last_updated
  FROM binary_data AS b
 WHERE b.tenant_id = current_tenant() AND b.aicon_id = :id AND b.name = 'brain'
UNION ALL
SELECT 'update', u.source, NULL, u.iteration,
       u.metadata, NULL, NULL, NULL,
       NULL, NULL, u.success, NULL,
       u.time, NULL, NULL, NULL
  FROM (SELECT r.source AS source, r.iteration AS iteration, r.metadata::text AS metadata,
               CASE WHEN r.success THEN 1 ELSE 0 END AS success, r.time AS time
          FROM aicon_updates AS r
         WHERE r.tenant_id = current_tenant() AND r.aicon_id = :id
         ORDER BY r.iteration DESC
         LIMIT :updates_n) AS u
UNION ALL
-- A scalar subselect can only be an index probe; a join may scan every part of the tenant.
SELECT 'part', NULL, NULL, NULL,
       NULL, NULL, NULL, NULL,
       h.hash,
       (SELECT p.bytes FROM parts AS p WHERE p.tenant_id = current_tenant() AND p.hash = h.hash),
       (SELECT p.codec FROM parts AS p WHERE p.tenant_id = current_tenant() AND p.hash = h.hash), NULL,
       NULL, NULL, NULL, NULL
  FROM addresses AS h;

-- name: find_recent(before, before_id, limit_n)
-- Summaries, newest change first, after the keyset (before, before_id). Empty when nothing matches.
SELECT a.id, a.name, a.aicon_type, a.version, a.iterations, a.created_at, a.last_updated
  FROM aicons AS a
 WHERE a.tenant_id = current_tenant() AND (a.last_updated, a.id) < (:before::timestamptz, :before_id::text)
 ORDER BY a.last_updated DESC, a.id DESC
 LIMIT :limit_n;

-- name: find_recent_of_type(aicon_type, before, before_id, limit_n)
-- As find_recent, of one type.
SELECT a.id, a.name, a.aicon_type, a.version, a.iterations, a.created_at, a.last_updated
  FROM aicons AS a
 WHERE a.tenant_id = current_tenant() AND a.aicon_type = :aicon_type
   AND (a.last_updated, a.id) < (:before::timestamptz, :before_id::text)
 ORDER BY a.last_updated DESC, a.id DESC
 LIMIT :limit_n;

-- name: find_by_name(name, after_id, limit_n)
-- Summaries of the AIcons with exactly this name, by id. Empty when nothing matches.
SELECT a.id, a.name, a.aicon_type, a.version, a.iterations, a.created_at, a.last_updated
  FROM aicons AS a
 WHERE a.tenant_id = current_tenant() AND a.name = :name AND a.id > :after_id
 ORDER BY a.id
 LIMIT :limit_n;

-- name: mark(id)^
-- First step of a removal: the history entry is written now, with the version that the removal reaches. No row when it is gone.
UPDATE aicons AS a
   SET version = -(a.version + 1)
 WHERE a.tenant_id = current_tenant() AND a.id = :id AND a.version > 0
RETURNING -a.version AS version;

-- name: remove(id)!
-- Last step of a removal; parts that were marked go with it.
DELETE FROM aicons AS a WHERE a.tenant_id = current_tenant() AND a.id = :id AND a.version < 0;
