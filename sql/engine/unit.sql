-- What surrounds each unit of work: who asks, for which tenant, in which schema, within what time.
-- PostgreSQL keeps it in settings of the transaction, so nothing lives on the session;
-- SQLite keeps the writer in the one row of aiconsql_context while the unit runs.

-- name: configure(tenant, actor, reason, write_id, search_path, statement_timeout, lock_timeout, read_only)^
-- Set the unit's tenant, writer, schema and time limits. NULL leaves the schema as it is.
SELECT set_config('aiconsql.tenant', :tenant::text, true) AS tenant,
       set_config('aiconsql.actor', :actor::text, true) AS actor,
       set_config('aiconsql.reason', :reason::text, true) AS reason,
       set_config('aiconsql.write_id', :write_id::text, true) AS write_id,
       set_config('search_path', coalesce(:search_path::text, current_setting('search_path')), true) AS search_path,
       set_config('statement_timeout', :statement_timeout::text, true) AS statement_timeout,
       set_config('lock_timeout', :lock_timeout::text, true) AS lock_timeout,
       set_config('transaction_read_only', :read_only::text, true) AS read_only;

-- name: enter(actor, reason, write_id)!
-- Say who writes, for the history triggers of SQLite.
INSERT INTO aiconsql_context (one, actor, reason, write_id)
VALUES (1, :actor, :reason, :write_id);

-- name: leave()!
-- The unit is over: what is written now is written by hand.
DELETE FROM aiconsql_context;
