"""What a real PostgreSQL says about queries and tables: PREPARE and describe, nothing is executed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiconsql.engine.dialect.rules.walk import Catalogue, Column
from aiconsql.errors import Refused

if TYPE_CHECKING:
    import psycopg

# PostgreSQL's own types have the same numbers everywhere.
_TYPES = {
    16: "boolean", 17: "bytea", 20: "bigint", 21: "smallint", 23: "integer", 25: "text", 114: "json",
    701: "double precision", 1184: "timestamptz", 3802: "jsonb",
    1000: "boolean[]", 1001: "bytea[]", 1016: "bigint[]", 1005: "smallint[]", 1007: "integer[]", 1009: "text[]",
    199: "json[]", 1022: "double precision[]", 1185: "timestamptz[]", 3807: "jsonb[]",
}  # fmt: skip

_COLUMNS = """
SELECT c.relname, a.attname, a.atttypid::bigint, NOT a.attnotnull, coalesce(l.collname = 'C', false)
  FROM pg_attribute AS a
  JOIN pg_class AS c ON c.oid = a.attrelid
  LEFT JOIN pg_collation AS l ON l.oid = a.attcollation
 WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'v')
   AND a.attnum > 0 AND NOT a.attisdropped
 ORDER BY c.relname, a.attnum
"""
# Whole keys: no index over an expression or over some of the rows.
_KEYS = """
SELECT c.relname, array_agg(a.attname)::text[]
  FROM pg_index AS i
  JOIN pg_class AS c ON c.oid = i.indrelid
  JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = ANY(i.indkey::int2[])
 WHERE c.relnamespace = current_schema()::regnamespace
   AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL AND i.indnatts = i.indnkeyatts
 GROUP BY c.relname, i.indexrelid
 ORDER BY c.relname, i.indexrelid
"""


@dataclass(frozen=True, slots=True)
class Description:
    """The types of a statement's parameters, in the order of $1, $2 …, and the names and types of its columns."""

    params: tuple[str, ...]
    columns: tuple[tuple[str, str], ...]


def describe(connection: psycopg.Connection[Any], sql: str) -> Description:
    """Prepare a statement with $n parameters and read its types. Nothing is executed.

    Raises:
        Refused: PostgreSQL does not take it, or a type is not one of ours until it is cast.
    """
    from psycopg import pq

    prepared = connection.pgconn.prepare(b"", sql.encode())
    if prepared.status != pq.ExecStatus.COMMAND_OK:
        raise Refused(f"postgresql: {' '.join(prepared.error_message.decode().split())}")
    found = connection.pgconn.describe_prepared(b"")
    params = tuple(_name(found.param_type(i), f"parameter ${i + 1}") for i in range(found.nparams))
    names = [(found.fname(i) or b"").decode() for i in range(found.nfields)]
    return Description(params, tuple((name, _name(found.ftype(i), f"column {name}")) for i, name in enumerate(names)))


def _name(oid: int, what: str) -> str:
    if oid not in _TYPES:
        raise Refused(
            f"{what}: its type (oid {oid}) is not one of ours", hint=f"cast it to {', '.join(_TYPES.values())}"
        )
    return _TYPES[oid]


def read_catalogue(connection: psycopg.Connection[Any]) -> Catalogue:
    """The tables and views of the schema in use. Columns of a type that is not ours are left out.

    `_yoyo_…` and other names with a leading underscore are bookkeeping and left out too.
    """
    tables: dict[str, dict[str, Column]] = {}
    for table, column, oid, nullable, bytewise in connection.execute(_COLUMNS):
        if oid in _TYPES and not table.startswith("_"):
            tables.setdefault(table, {})[column] = Column(_TYPES[oid], nullable, bytewise)
    keys: dict[str, list[frozenset[str]]] = {}
    for table, columns in connection.execute(_KEYS):
        keys.setdefault(table, []).append(frozenset(columns))
    return Catalogue(tables, keys)
