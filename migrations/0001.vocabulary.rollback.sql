DROP TABLE aiconsql_context;
DROP FUNCTION accept_value(text, text, json, jsonb, bigint);
DROP FUNCTION require_row(text, text, boolean);
DROP FUNCTION expect_version(text, text, bigint, bigint, bigint);
DROP FUNCTION aiconsql_now();
DROP FUNCTION current_tenant();
