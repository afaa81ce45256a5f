-- Content-addressed bytes (table parts). Savers hold the shared lock from their first statement on, so that the sweep of
-- unreferenced parts cannot take a part away between its discovery and the commit of the row that refers to it.

-- name: share()^
-- Hold off the sweep of unreferenced parts until the unit ends.
SELECT 1 AS shared
  FROM pg_advisory_xact_lock_shared(hashtextextended('aiconsql.parts/' || current_tenant(), 0));

-- name: add(hashes, codecs, bytes)!
-- Store the parts that are not there yet. The caller sorts them by hash: two savers in different orders would deadlock.
INSERT INTO parts (tenant_id, hash, codec, bytes)
SELECT current_tenant(), u.hash, u.codec, u.bytes
  FROM unnest(:hashes::bytea[], :codecs::smallint[], :bytes::bytea[]) AS u(hash, codec, bytes)
    ON CONFLICT (tenant_id, hash) DO NOTHING;
