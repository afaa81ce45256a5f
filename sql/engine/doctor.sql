-- What the database says about itself (its own catalogue), for `aiconsql doctor`. No row of a tenant is read.

-- name: describe()^
-- Product and version, the role of this connection (NULL where there are none) and whether no policy binds it,
-- how a commit is kept, and the size in bytes.
SELECT 'PostgreSQL'                                             AS product,
       current_setting('server_version')                        AS version,
       r.rolname::text                                          AS role,
       r.rolsuper OR r.rolbypassrls                             AS bypasses_policies,
       'synchronous_commit ' || current_setting('synchronous_commit') AS durability,
       pg_database_size(current_database())                     AS size_bytes
  FROM pg_roles AS r
 WHERE r.rolname = current_user;

-- name: find_tenant_tables()
-- The visible tables with a tenant_id: whether row-level security is on, and whether this role acts as their owner,
-- whom policies do not bind. Empty when nothing was migrated.
SELECT c.relname::text                    AS name,
       c.relrowsecurity                   AS is_protected,
       pg_has_role(c.relowner, 'USAGE')   AS is_owned
  FROM pg_class AS c
  JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
 WHERE c.relkind IN ('r', 'p') AND pg_table_is_visible(c.oid)
 ORDER BY c.relname;
