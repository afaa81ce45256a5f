-- On SQLite the tenant is taught to the connection and the limits are the runner's.

-- name: configure(tenant, actor, reason, write_id, search_path, statement_timeout, lock_timeout, read_only)^
-- Give the settings back.
SELECT :tenant AS tenant, :actor AS actor, :reason AS reason, :write_id AS write_id, :search_path AS search_path,
       :statement_timeout AS statement_timeout, :lock_timeout AS lock_timeout, :read_only AS read_only;
