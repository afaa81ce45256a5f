-- What the application role may use at all.
GRANT USAGE ON SCHEMA {schema} TO {role};
GRANT SELECT ON aiconsql_migrations TO {role};
