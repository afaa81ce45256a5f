"""The same tables on a real PostgreSQL and a real SQLite, and queries that run on both."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from aiconsql.engine.dialect import describe, functions, translate
from aiconsql.engine.resources import folder
from aiconsql.testing import Server

SCHEMA = (Path(__file__).parent / "tables.sql").read_text()
ROWS = (Path(__file__).parent / "rows.sql").read_text()


class Pair:
    """One schema with the same rows on both databases."""

    def __init__(self, postgresql: psycopg.Connection[Any]) -> None:
        self.postgresql = postgresql
        self.catalogue = describe.read_catalogue(postgresql)
        self.context = functions.Context()
        self.sqlite = sqlite3.connect(":memory:", isolation_level=None)
        functions.teach(self.sqlite, self.context)
        self.sqlite.executescript(translate.migration_to_sqlite(SCHEMA, file="tables.sql"))
        self.insert(ROWS)

    def insert(self, script: str) -> None:
        """Run the INSERTs of a script on both, on SQLite as the translator carries them."""
        for statement, _line in translate.statements(script):
            self.postgresql.execute(statement)
            self.sqlite.execute(self.carried(statement, {}).sql)

    def carried(self, sql: str, params: dict[str, str]) -> translate.LiteStatement:
        """The one SQLite statement of a query."""
        [statement] = translate.query_to_sqlite(
            sql, file="sql/test/t.sql", query="t.q", line=7, types=self.catalogue, params=params
        )
        return statement

    def on_postgresql(self, sql: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        """The rows of a query on PostgreSQL; the change is undone."""
        text, names = translate.postgres_text(sql)
        with self.postgresql.transaction(force_rollback=True):
            cursor = psycopg.RawCursor(self.postgresql)
            cursor.execute(text, [values[name] for name in names])
            return cursor.fetchall() if cursor.description else [(cursor.rowcount,)]

    def on_sqlite(self, sql: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        """The rows of a query on SQLite, decoded by the types that PostgreSQL tells; the change is undone."""
        text, names = translate.postgres_text(sql)
        told = describe.describe(self.postgresql, text)
        statement = self.carried(sql, dict(zip(names, told.params, strict=True)))
        self.sqlite.execute("BEGIN")
        try:
            return self._rows(statement, values, [type_ for _name, type_ in told.columns])
        finally:
            self.sqlite.execute("ROLLBACK")

    def _rows(
        self, statement: translate.LiteStatement, values: dict[str, Any], types: list[str]
    ) -> list[tuple[Any, ...]]:
        bound = {name: stored(values[name]) for name in statement.params if name not in statement.each}
        elements = zip(*(values[array] for array in statement.each.values()), strict=True) if statement.each else [()]
        rows: list[tuple[Any, ...]] = []
        changed = 0
        for element in elements:
            each = dict(zip(statement.each, map(stored, element), strict=True))
            cursor = self.sqlite.execute(statement.sql, bound | each)
            rows += [tuple(map(decoded, row, types)) for row in cursor.fetchall()]
            changed += cursor.rowcount
        return rows if types else [(changed,)]


def stored(value: Any) -> Any:
    """A value as the engine binds it on SQLite."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, list):
        return json.dumps([stored(item) for item in value])
    return int(value) if isinstance(value, bool) else value


def decoded(value: Any, type_: str) -> Any:
    """A value of SQLite as the engine gives it to people."""
    if value is None:
        return None
    if type_ == "timestamptz":
        return datetime.fromisoformat(value)
    if type_ in ("json", "jsonb"):
        return json.loads(value)
    return bool(value) if type_ == "boolean" else value


@pytest.fixture(scope="module")
def pair(postgres_server: Server) -> Iterator[Pair]:
    """Both databases with tables.sql and rows.sql."""
    name = postgres_server.create_database()
    with psycopg.connect(postgres_server.url(name, role="owner"), autocommit=True) as connection:
        connection.execute((folder("migrations") / "0001.vocabulary.sql").read_text())
        connection.execute(SCHEMA)
        connection.execute("SET TimeZone = 'America/New_York'")
        both = Pair(connection)
        yield both
        both.sqlite.close()
    postgres_server.drop_database(name)
