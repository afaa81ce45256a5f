-- Sensors: where an AIcon's observations come from (table sensors). A part of its AIcon, like factors.sql.

-- name: add(aicon_id, names, sensor_types, configurations, metadata, contents, last_update)!
-- Add sensors; a name that is taken is a conflict.
INSERT INTO sensors (tenant_id, aicon_id, name, version, sensor_type, configuration, metadata, content, last_update, last_updated)
SELECT current_tenant(), a.id, u.name, a.version, u.sensor_type, u.configuration, u.metadata, u.content, u.last_update, a.last_updated
  FROM unnest(:names::text[], :sensor_types::text[], :configurations::json[], :metadata::json[], :contents::bytea[],
              :last_update::timestamptz[])
       AS u(name, sensor_type, configuration, metadata, content, last_update),
       aicons AS a
 WHERE a.tenant_id = current_tenant() AND a.id = :aicon_id
    ON CONFLICT (tenant_id, aicon_id, name) DO UPDATE
   SET version = expect_version('sensor', sensors.name, sensors.version, 0, 0);

-- name: set(aicon_id, names, versions, sensor_types, configurations, metadata, contents, last_update)!
-- Replace sensors that still have the versions they were loaded with.
UPDATE sensors AS s
   SET version       = expect_version('sensor', s.name, s.version, u.version, a.version),
       sensor_type   = u.sensor_type,
       configuration = u.configuration,
       metadata      = u.metadata,
       content       = u.content,
       last_update   = u.last_update,
       last_updated  = a.last_updated
  FROM unnest(:names::text[], :versions::bigint[], :sensor_types::text[], :configurations::json[], :metadata::json[],
              :contents::bytea[], :last_update::timestamptz[])
       AS u(name, version, sensor_type, configuration, metadata, content, last_update),
       aicons AS a
 WHERE a.tenant_id = current_tenant() AND a.id = :aicon_id
   AND s.tenant_id = current_tenant() AND s.aicon_id = :aicon_id AND s.name = u.name;

-- name: require(aicon_id, names)
-- Undo the unit when one of these sensors is gone.
SELECT require_row('sensor', u.name, EXISTS (SELECT 1 FROM sensors AS s
                                              WHERE s.tenant_id = current_tenant() AND s.aicon_id = :aicon_id AND s.name = u.name)) AS there
  FROM unnest(:names::text[]) AS u(name);

-- name: mark(aicon_id, names, versions)!
-- First step of a removal, as in factors.sql.
UPDATE sensors AS s
   SET version = expect_version('sensor', s.name, s.version, u.version, -a.version)
  FROM unnest(:names::text[], :versions::bigint[]) AS u(name, version), aicons AS a
 WHERE a.tenant_id = current_tenant() AND a.id = :aicon_id
   AND s.tenant_id = current_tenant() AND s.aicon_id = :aicon_id AND s.name = u.name;

-- name: mark_all(aicon_id)!
-- Mark every sensor of an AIcon that is itself marked.
UPDATE sensors AS s
   SET version = a.version
  FROM aicons AS a
 WHERE a.tenant_id = current_tenant() AND a.id = :aicon_id AND a.version < 0
   AND s.tenant_id = current_tenant() AND s.aicon_id = :aicon_id;

-- name: remove(aicon_id)!
-- Last step of a removal: delete what is marked.
DELETE FROM sensors AS s WHERE s.tenant_id = current_tenant() AND s.aicon_id = :aicon_id AND s.version < 0;
