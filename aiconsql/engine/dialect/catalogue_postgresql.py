"""
What the migrator asks PostgreSQL about itself.

These queries are not in sql/: the map of sql/ is made on a database that the migrator has migrated.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import psycopg

from aiconsql.errors import SchemaError

from .identifiers import quoted
from .session import Column

Connection = psycopg.Connection[Any]

# A statement that waits for a table makes everybody who comes later wait behind it; outside a transaction are those
# that let others pass, and that leave a broken index when they give up.
_TABLE_LOCK_TIMEOUT = "10s"
_STATEMENT_TIMEOUT = "30min"

_CONFIGURE = """
SELECT set_config('search_path', %(search_path)s, %(local)s),
       set_config('lock_timeout', %(lock_timeout)s, %(local)s),
       set_config('statement_timeout', %(statement_timeout)s, %(local)s)
"""
# current_schema()::regnamespace would read the name as an identifier, quotes and all.
_COLUMNS = """
SELECT c.relname, a.attname, format_type(a.atttypid, NULL)
  FROM pg_class AS c
  JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  JOIN pg_namespace AS s ON s.oid = c.relnamespace AND s.nspname = current_schema()
 WHERE c.relkind IN ('r', 'p')
 ORDER BY c.relname, a.attnum
"""
_TRIGGERS = """
SELECT t.tgname
  FROM pg_trigger AS t
  JOIN pg_class AS c ON c.oid = t.tgrelid
  JOIN pg_namespace AS s ON s.oid = c.relnamespace AND s.nspname = current_schema()
 WHERE NOT t.tgisinternal AND t.tgenabled <> 'D'
"""
# 'a' is the sequence of a serial column; that of an identity column is 'i'.
_SEQUENCES = """
SELECT t.relname, s.relname
  FROM pg_depend AS d
  JOIN pg_class AS s ON s.oid = d.objid AND s.relkind = 'S'
  JOIN pg_class AS t ON t.oid = d.refobjid
  JOIN pg_namespace AS n ON n.oid = t.relnamespace AND n.nspname = current_schema()
 WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'a'
 ORDER BY t.relname, s.relname
"""
_TRY_LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended('aiconsql migrate ' || %s, 0))"
_TRY_SESSION_LOCK = "SELECT pg_try_advisory_lock(hashtextextended('aiconsql migrate ' || %s, 0))"
_UNLOCK = "SELECT pg_advisory_unlock(hashtextextended('aiconsql migrate ' || %s, 0))"
_APPLIED = """
SELECT migration_id, sha256, oldest_code, phase,
       to_char(applied_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"')
  FROM aiconsql_migrations
 ORDER BY migration_id
"""


def _one(connection: Connection, query: str, *parameters: object) -> Any:
    row = connection.execute(query, parameters or None).fetchone()
    return row[0] if row else None


def current_schema(connection: Connection) -> str:
    """The schema in which this role makes tables when no schema is asked for.

    Raises: SchemaError when its search_path has none.
    """
    schema = _one(connection, "SELECT current_schema()")
    if schema is None:
        raise SchemaError("the role's search_path names no schema that exists", hint="add schema=… to the database URL")
    return str(schema)


def configure(connection: Connection, schema: str, *, local: bool) -> None:
    """Names and timeouts for the transaction, or for the session.

    pg_temp comes last: a temporary table must not stand before one of ours.
    """
    connection.execute(
        _CONFIGURE,
        {
            "search_path": f"{quoted(schema)}, pg_temp",
            "lock_timeout": _TABLE_LOCK_TIMEOUT if local else "0",
            "statement_timeout": _STATEMENT_TIMEOUT,
            "local": local,
        },
    )


def notice_dead_clients(connection: Connection) -> None:
    """Let the server end a statement whose migrator was killed, and give its locks back, within a second."""
    with suppress(psycopg.errors.InvalidParameterValue, psycopg.errors.UndefinedObject):  # not on every system
        connection.execute("SET client_connection_check_interval = '1s'")


def try_lock(connection: Connection, schema: str, *, transactional: bool) -> bool:
    """Whether nobody else migrates the schema: until the end of the transaction, or until `unlock`."""
    return bool(_one(connection, _TRY_LOCK if transactional else _TRY_SESSION_LOCK, schema))


def unlock(connection: Connection, schema: str) -> None:
    """Give the session's lock back."""
    connection.execute(_UNLOCK, (schema,))


def make_schema(connection: Connection, schema: str) -> None:
    """Create the schema when it is missing: IF NOT EXISTS would ask for the privilege even when it is there."""
    if not _one(connection, "SELECT count(*) FROM pg_namespace WHERE nspname = %s", schema):
        connection.execute(f"CREATE SCHEMA {quoted(schema)}")


def applied(connection: Connection) -> list[tuple[Any, ...]] | None:
    """The rows of aiconsql_migrations; None when the table is missing."""
    if _one(connection, "SELECT to_regclass('aiconsql_migrations')") is None:
        return None
    return connection.execute(_APPLIED).fetchall()


def columns(connection: Connection) -> dict[str, list[Column]]:
    """The columns of each table of the schema, with PostgreSQL's short names of their types."""
    found: dict[str, list[Column]] = {}
    for table, name, kind in connection.execute(_COLUMNS).fetchall():
        found.setdefault(table, []).append(Column(name, kind.replace("timestamp with time zone", "timestamptz")))
    return found


def triggers(connection: Connection) -> set[str]:
    """The names of the triggers that fire."""
    return {name for (name,) in connection.execute(_TRIGGERS).fetchall()}


def sequences(connection: Connection) -> list[tuple[str, str]]:
    """Table and sequence for each column that takes its default from a sequence."""
    return [(table, sequence) for table, sequence in connection.execute(_SEQUENCES).fetchall()]


def role_exists(connection: Connection, role: str) -> bool:
    """Whether there is such a role."""
    return bool(_one(connection, "SELECT count(*) FROM pg_roles WHERE rolname = %s", role))


def current_role(connection: Connection) -> str:
    """The role of this connection."""
    return str(_one(connection, "SELECT current_user"))


def covered(connection: Connection) -> str | None:
    """What the last run left as its own mark of what stands beside the tables."""
    mark = _one(connection, "SELECT obj_description('aiconsql_migrations'::regclass, 'pg_class')")
    return None if mark is None else str(mark)
