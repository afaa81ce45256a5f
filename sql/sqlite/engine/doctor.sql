-- SQLite has no roles: who can open the file owns it.

-- name: describe()^
-- Product and version, how a commit is kept, and the size in bytes.
SELECT 'SQLite' AS product, sqlite_version() AS version, NULL AS role, 1 AS bypasses_policies,
       'journal_mode ' || j.journal_mode || ', synchronous ' ||
       CASE s.synchronous WHEN 0 THEN 'off' WHEN 1 THEN 'normal' WHEN 2 THEN 'full' ELSE 'extra' END AS durability,
       c.page_count * p.page_size AS size_bytes
  FROM pragma_journal_mode AS j, pragma_synchronous AS s, pragma_page_count AS c, pragma_page_size AS p;

-- name: find_tenant_tables()
-- The tables with a tenant_id; nothing stands between them and who opened the file.
SELECT m.name AS name, 0 AS is_protected, 1 AS is_owned
  FROM sqlite_master AS m, pragma_table_info(m.name) AS c
 WHERE m.type = 'table' AND c.name = 'tenant_id'
 ORDER BY m.name;
