-- A sequence that a column's default asks for; identity columns need no privilege.
GRANT USAGE ON SEQUENCE {sequence} TO {role};
