-- SQLite has one writer at a time: the sweep and a saver never meet.

-- name: share()^
-- Nothing to hold off.
SELECT 1 AS shared;
