-- What the application role may do with one table: what its migration's header says, and nothing else.
REVOKE ALL ON {table} FROM {role};
GRANT {privileges} ON {table} TO {role};
