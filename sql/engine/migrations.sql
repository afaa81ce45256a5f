-- aiconsql_migrations: one row per applied migration, written by the migrator; the application role may read it.
-- migrations/before/bookkeeping.sql makes the table.

-- name: find_applied()
-- Every applied migration, with the checksum of its file and the oldest program that can live with it.
-- The table is missing when nothing was ever applied.
SELECT migration_id, sha256, oldest_code, applied_at
  FROM aiconsql_migrations
 ORDER BY migration_id;
