-- What an administrator runs once, connected to the database: `aiconsql roles --sql | psql -d {database_text}`.
-- The owner's role migrates; the application's role works, owns nothing and sees one tenant at a time.
-- Afterwards give both a password. psql asks for it, so that it is in no file and no log:
--     \password {owner}
--     \password {app}
-- Then migrate with the owner's URL: aiconsql migrate --app-role {app_text}

CREATE ROLE {owner} LOGIN;
CREATE ROLE {app} LOGIN;

GRANT CONNECT ON DATABASE {database} TO {owner}, {app};
-- The owner makes tables, policies and triggers here, and lets the application in.
CREATE SCHEMA IF NOT EXISTS {schema};
GRANT USAGE, CREATE ON SCHEMA {schema} TO {owner} WITH GRANT OPTION;
GRANT USAGE ON SCHEMA {schema} TO {app};

ALTER ROLE {owner} IN DATABASE {database} SET search_path = {schema};
ALTER ROLE {app} IN DATABASE {database} SET search_path = {schema};
