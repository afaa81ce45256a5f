-- Factors: what an AIcon believes about one quantity (table factors). A part of its AIcon: it takes the AIcon's version at each
-- change, so `touch` or `set` of aicons.sql runs before, in the same unit.

-- name: add(aicon_id, names, factor_types, parameters, beliefs, samples)!
-- Add factors; a name that is taken is a conflict.
INSERT INTO factors (tenant_id, aicon_id, name, version, factor_type, parameters, current_belief, samples, last_updated)
SELECT current_tenant(), a.id, u.name, a.version, u.factor_type, u.parameters, u.current_belief, u.samples, a.last_updated
  FROM unnest(:names::text[], :factor_types::text[], :parameters::json[], :beliefs::jsonb[], :samples::bytea[])
       AS u(name, factor_type, parameters, current_belief, samples),
       aicons AS a
 WHERE a.tenant_id = current_tenant() AND a.id = :aicon_id
    ON CONFLICT (tenant_id, aicon_id, name) DO UPDATE
   SET version = expect_version('factor', factors.name, factors.version, 0, 0);

-- name: set(aicon_id, names, versions, factor_types, parameters, beliefs, samples)!
-- Replace factors that still have the versions they were loaded with; a NULL type or NULL parameters stay as they are.
UPDATE factors AS f
   SET version        = expect_version('factor', f.name, f.version, u.version, a.version),
       factor_type    = coalesce(u.factor_type, f.factor_type),
       parameters     = coalesce(u.parameters, f.parameters),
       current_belief = u.current_belief,
       samples        = u.samples,
       last_updated   = a.last_updated
  FROM unnest(:names::text[], :versions::bigint[], :factor_types::text[], :parameters::json[], :beliefs::jsonb[], :samples::bytea[])
       AS u(name, version, factor_type, parameters, current_belief, samples),
       aicons AS a
 WHERE a.tenant_id = current_tenant() AND a.id = :aicon_id
   AND f.tenant_id = current_tenant() AND f.aicon_id = :aicon_id AND f.name = u.name;

-- name: set_value(aicon_id, name, value)!
-- Merge a new value into the belief; nothing else of the factor changes. The database checks it against bounds and categories.
UPDATE factors AS f
   SET version        = accept_value(f.name, f.factor_type, f.parameters, :value::jsonb, a.version),
       current_belief = jsonb_set(f.current_belief, '{value}', :value::jsonb),
       last_updated   = a.last_updated
  FROM aicons AS a
 WHERE a.tenant_id = current_tenant() AND a.id = :aicon_id
   AND f.tenant_id = current_tenant() AND f.aicon_id = :aicon_id AND f.name = :name;

-- name: require(aicon_id, names)
-- Undo the unit when one of these factors is gone.
SELECT require_row('factor', u.name, EXISTS (SELECT 1 FROM factors AS f
                                              WHERE f.tenant_id = current_tenant() AND f.aicon_id = :aicon_id AND f.name = u.name)) AS there
  FROM unnest(:names::text[]) AS u(name);

-- name: mark(aicon_id, names, versions)!
-- First step of a removal: a negative version says that the row is about to go, and its history entry is written.
UPDATE factors AS f
   SET version = expect_version('factor', f.name, f.version, u.version, -a.version)
  FROM unnest(:names::text[], :versions::bigint[]) AS u(name, version), aicons AS a
 WHERE a.tenant_id = current_tenant() AND a.id = :aicon_id
   AND f.tenant_id = current_tenant() AND f.aicon_id = :aicon_id AND f.name = u.name;

-- name: mark_all(aicon_id)!
-- Mark every factor of an AIcon that is itself marked.
UPDATE factors AS f
   SET version = a.version
  FROM aicons AS a
 WHERE a.tenant_id = current_tenant() AND a.id = :aicon_id AND a.version < 0
   AND f.tenant_id = current_tenant() AND f.aicon_id = :aicon_id;

-- name: remove(aicon_id)!
-- Last step of a removal: delete what is marked.
DELETE FROM factors AS f WHERE f.tenant_id = current_tenant() AND f.aicon_id = :aicon_id AND f.version < 0;
