-- Named nested objects with arrays (table binary_data); the brain is the one named 'brain'. A part of its AIcon, like factors.sql.

-- name: add(aicon_id, names, formats, manifests, contents)!
-- Add objects; a name that is taken is a conflict.
INSERT INTO binary_data (tenant_id, aicon_id, name, version, format, manifest, data, last_updated)
SELECT current_tenant(), a.id, u.name, a.version, u.format, u.manifest, u.data, a.last_updated
  FROM unnest(:names::text[], :formats::text[], :manifests::json[], :contents::bytea[]) AS u(name, format, manifest, data),
       aicons AS a
 WHERE a.tenant_id = current_tenant() AND a.id = :aicon_id
    ON CONFLICT (tenant_id, aicon_id, name) DO UPDATE
   SET version = expect_version('binary data', binary_data.name, binary_data.version, 0, 0);

-- name: set(aicon_id, names, versions, formats, manifests, contents)!
-- Replace objects that still have the versions they were loaded with.
UPDATE binary_data AS b
   SET version      = expect_version('binary data', b.name, b.version, u.version, a.version),
       format       = u.format,
       manifest     = u.manifest,
       data         = u.data,
       last_updated = a.last_updated
  FROM unnest(:names::text[], :versions::bigint[], :formats::text[], :manifests::json[], :contents::bytea[])
       AS u(name, version, format, manifest, data),
       aicons AS a
 WHERE a.tenant_id = current_tenant() AND a.id = :aicon_id
   AND b.tenant_id = current_tenant() AND b.aicon_id = :aicon_id AND b.name = u.name;

-- name: require(aicon_id, names)
-- Undo the unit when one of these objects is gone.
SELECT require_row('binary data', u.name, EXISTS (SELECT 1 FROM binary_data AS b
                                                   WHERE b.tenant_id = current_tenant() AND b.aicon_id = :aicon_id AND b.name = u.name)) AS there
  FROM unnest(:names::text[]) AS u(name);

-- name: mark(aicon_id, names, versions)!
-- First step of a removal, as in factors.sql.
UPDATE binary_data AS b
   SET version = expect_version('binary data', b.name, b.version, u.version, -a.version)
  FROM unnest(:names::text[], :versions::bigint[]) AS u(name, version), aicons AS a
 WHERE a.tenant_id = current_tenant() AND a.id = :aicon_id
   AND b.tenant_id = current_tenant() AND b.aicon_id = :aicon_id AND b.name = u.name;

-- name: mark_all(aicon_id)!
-- Mark every object of an AIcon that is itself marked.
UPDATE binary_data AS b
   SET version = a.version
  FROM aicons AS a
 WHERE a.tenant_id = current_tenant() AND a.id = :aicon_id AND a.version < 0
   AND b.tenant_id = current_tenant() AND b.aicon_id = :aicon_id;

-- name: remove(aicon_id)!
-- Last step of a removal: delete what is marked.
DELETE FROM binary_data AS b WHERE b.tenant_id = current_tenant() AND b.aicon_id = :aicon_id AND b.version < 0;
