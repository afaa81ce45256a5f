-- The update history of AIcons (table aicon_updates): rows numbered by iteration. `touch` or `set` of aicons.sql has counted
-- the new iterations before, in the same unit.

-- name: add(aicon_id, total, places, times, sources, successes, metadata)!
-- Append updates: of `total` new iterations, the one at place k (1 is the oldest) gets the k-th number.
INSERT INTO aicon_updates (tenant_id, aicon_id, iteration, time, source, success, metadata)
SELECT current_tenant(), a.id, a.iterations - :total::bigint + u.place, u.time, u.source, u.success, u.metadata
  FROM unnest(:places::bigint[], :times::timestamptz[], :sources::text[], :successes::boolean[], :metadata::json[])
       AS u(place, time, source, success, metadata),
       aicons AS a
 WHERE a.tenant_id = current_tenant() AND a.id = :aicon_id;

-- name: trim(aicon_id, kept)!
-- Forget all but the newest `kept` updates.
DELETE FROM aicon_updates AS u
 WHERE u.tenant_id = current_tenant() AND u.aicon_id = :aicon_id
   AND u.iteration <= (SELECT a.iterations - :kept::bigint FROM aicons AS a
                        WHERE a.tenant_id = current_tenant() AND a.id = :aicon_id);

-- name: find(aicon_id, before, limit_n)
-- Updates with a number below `before`, newest first. Empty when there are none.
SELECT u.iteration, u.time, u.source, u.success, u.metadata::text AS metadata
  FROM aicon_updates AS u
 WHERE u.tenant_id = current_tenant() AND u.aicon_id = :aicon_id AND u.iteration < :before
 ORDER BY u.iteration DESC
 LIMIT :limit_n;
