"""Every query finds its rows by an index, as the application role: row-level security decides what may use one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
import pytest

from aiconsql.engine.dialect.url import parse_url
from aiconsql.engine.migrations import migrate
from aiconsql.engine.queries import catalogue
from aiconsql.testing import Server

TENANTS, ROWS = 4, 4_000
# What a column must be where any text or number would break a check.
SPECIAL = {
    "tenant_id": f"'t' || i % {TENANTS}",
    "factor_type": "'continuous'",
    "op": "'U'",
    "codec": "0",
    "hash": "sha256(i::text::bytea)",
    "version": "i",
}
BY_TYPE = {
    "text": "'x' || i / 4",
    "bigint": "i",
    "integer": "i",
    "smallint": "i % 100",
    "double precision": "i",
    "boolean": "i % 2 = 0",
    "timestamptz": "timestamptz '2026-01-01' + i * interval '1 second'",
    "json": "'{}'",
    "jsonb": "'{}'",
    "bytea": "sha256(i::text::bytea)",
}
_COLUMN = re.compile(r"\(?(?:\w+\.)?\"?(\w+)\"?(?:::\w+)?\s(?:=|<|>|<=|>=)\s")
_INDEXES = """
SELECT c.relname, array_agg(a.attname ORDER BY k.place)::text[]
  FROM pg_index AS i
  JOIN pg_class AS c ON c.oid = i.indrelid
 CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, place)
  JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.attnum
 WHERE c.relnamespace = current_schema()::regnamespace
 GROUP BY c.relname, i.indexrelid
"""
TENANT_TABLES = {table: columns for table, columns in catalogue().tables.items() if "tenant_id" in columns}
QUERIES = {
    name: query
    for name, query in catalogue().queries.items()
    if not any(line.startswith("owner:") for line in query["doc"].splitlines())
    and TENANT_TABLES.keys() & set(re.findall(r"\w+", query["postgresql"]))
}


@pytest.fixture(scope="module")
def filled(postgres_server: Server) -> Iterator[psycopg.Connection[Any]]:
    """The application role's connection to a database with a few thousand rows in each table, of several tenants."""
    name = postgres_server.create_database()
    migrate(parse_url(postgres_server.url(name, role="owner")))
    with postgres_server.connect(name, role="superuser") as connection:
        connection.execute("SET session_replication_role = replica")  # no triggers, no foreign keys
        for table, columns in TENANT_TABLES.items():
            _fill(connection, table, columns)
        connection.execute("ANALYZE")
    with postgres_server.connect(name, role="app") as connection:
        connection.execute("SELECT set_config('aiconsql.tenant', 't1', false)")
        # What a parameter may be is unknown to the plan, and a cheap scan of small tables is no excuse.
        connection.execute("SET plan_cache_mode = force_generic_plan")
        connection.execute("SET enable_seqscan = off")
        yield connection
    postgres_server.drop_database(name)


def _fill(connection: psycopg.Connection[Any], table: str, columns: Mapping[str, str]) -> None:
    values = ", ".join(SPECIAL.get(column, BY_TYPE[type_]) for column, type_ in columns.items())
    connection.execute(
        f"INSERT INTO {table} ({', '.join(columns)}) OVERRIDING SYSTEM VALUE"
        f" SELECT {values} FROM generate_series(1, {ROWS}) AS i ON CONFLICT DO NOTHING"
    )


@pytest.fixture(scope="module")
def indexes(filled: psycopg.Connection[Any]) -> dict[str, list[list[str]]]:
    """table -> the columns of each of its indexes."""
    found: dict[str, list[list[str]]] = {}
    for table, columns in filled.execute(_INDEXES):
        found.setdefault(table, []).append(columns)
    return found


def plan_of(connection: psycopg.Connection[Any], sql: str, parameters: int) -> dict[str, Any]:
    """The generic plan of a statement with $n parameters; nothing is executed."""
    connection.execute(f"PREPARE planned AS {sql}".encode())
    try:
        arguments = f"({', '.join(['NULL'] * parameters)})" if parameters else ""
        [[plan]] = connection.execute(f"EXPLAIN (FORMAT JSON) EXECUTE planned{arguments}".encode()).fetchall()
    finally:
        connection.execute("DEALLOCATE planned")
    root: dict[str, Any] = plan[0]["Plan"]
    return root


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A plan's nodes."""
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


def faults(plan: dict[str, Any], indexes: dict[str, list[list[str]]]) -> list[str]:
    """What is wrong with a plan: a scan of a whole table of tenants, or a filter that an index could have answered."""
    found = []
    for node in nodes(plan):
        table = node.get("Relation Name")
        if table not in TENANT_TABLES:
            continue
        if node["Node Type"] == "Seq Scan":
            found.append(f"{table}: Seq Scan")
        found += [f"{table}: Filter on {column}: {node['Filter']}" for column in _wasted(node, indexes[table])]
    return found


def _wasted(node: dict[str, Any], indexes: list[list[str]]) -> list[str]:
    """The columns of a node's filter that an index has behind columns which are all conditions here."""
    condition = node.get("Index Cond") or node.get("Recheck Cond") or ""
    # The policy repeats the tenant: what is a condition already is not wasted.
    filtered = set(_COLUMN.findall(node.get("Filter", ""))) - set(_COLUMN.findall(condition))
    fixed = set(_COLUMN.findall(condition)) | filtered
    return sorted(
        column for column in filtered if any(column in i and fixed.issuperset(i[: i.index(column)]) for i in indexes)
    )


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_uses_its_indexes(filled, indexes, name):
    """No query scans a tenant's table, and no filter stands beside an index that covers it."""
    query = QUERIES[name]
    plan = plan_of(filled, query["postgresql"], len(query["params"]))

    assert [] == faults(plan, indexes), json.dumps(plan, indent=1)


FAULTS = [
    ("a.name = $1", []),
    ("lower(a.name) = $1", []),  # no index has it
    ("(a.name = $1 OR $1 IS NULL)", ["aicons: Filter on name"]),
    ("a.name || '' = $1 AND (a.aicon_type = $1) IS TRUE", ["aicons: Filter on aicon_type"]),
]


@pytest.mark.parametrize(("condition", "expected"), FAULTS)
def test_the_gate_sees_a_wasted_filter(filled, indexes, condition, expected):
    """The gate tells a filter that could have been an index condition, and leaves alone what no index could answer."""
    sql = f"SELECT a.id FROM aicons AS a WHERE a.tenant_id = current_tenant() AND {condition}"
    found = faults(plan_of(filled, sql, 1), indexes)

    assert expected == [text.rpartition(": (")[0] for text in found]


def test_the_gate_sees_a_scan(filled, indexes):
    """The gate tells a scan of a whole table."""
    with filled.transaction(force_rollback=True):
        filled.execute("SET LOCAL enable_seqscan = on")
        for kind in ("indexscan", "indexonlyscan", "bitmapscan"):
            filled.execute(f"SET LOCAL enable_{kind} = off")
        found = faults(plan_of(filled, "SELECT a.id FROM aicons AS a", 0), indexes)

    assert "aicons: Seq Scan" in found
