"""Migrations carried to SQLite: the same tables, the same refusals, and nothing that only a taught connection has."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import psycopg
import pytest

from aiconsql.engine.dialect.translate import migration_to_sqlite
from aiconsql.errors import Untranslatable

SCHEMA = (Path(__file__).parent / "tables.sql").read_text()


@pytest.fixture
def bare():
    """The carried schema on a sqlite3 that nobody taught anything."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.executescript(migration_to_sqlite(SCHEMA, file="tables.sql"))
    yield connection
    connection.close()


def test_both_schemas_have_the_same_columns(pair, bare):
    """B61: the same tables and columns in the same order, STRICT, with SQLite's types."""
    found = {
        table: [(name, type_) for _i, name, type_, *_rest in bare.execute(f"PRAGMA table_info({table})")]
        for (table,) in bare.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    }
    ours = {
        "text": "TEXT", "json": "TEXT", "jsonb": "TEXT", "timestamptz": "TEXT", "bytea": "BLOB",
        "double precision": "REAL", "boolean": "INTEGER", "smallint": "INTEGER", "integer": "INTEGER",
        "bigint": "INTEGER",
    }  # fmt: skip
    expected = {
        table: [(name, ours[column.type]) for name, column in pair.catalogue.tables[table].items()]
        for table in ("things", "parts_of")
    }

    assert expected == found
    assert [1, 1] == [strict for *_rest, strict in bare.execute("PRAGMA table_list") if strict]


def test_defaults_need_no_teaching(bare):
    """Any tool can write: the tenant is 'default' and the time is strftime's, in the one fixed width."""
    bare.execute("INSERT INTO things (id) VALUES ('x')")
    [row] = bare.execute("SELECT tenant_id, n, ok, doc, belief, hex(bytes), length(made_at) FROM things")

    assert ("default", 0, 0, "{}", "{}", "00FF", 32) == row


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("id", ""), ("small", 4), ("small", 2**15), ("middle", 2**31), ("n", 2**63), ("n", "x"), ("n", 1.5), ("ok", 2),
        ("doc", "{"), ("doc", "NaN"), ("belief", "{'a': 1}"), ("at", "2026-01-01"), ("at", "2026-01-01 00:00:00"),
        ("n", None),
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused_on_both(pair, bare, column, value):
    """What PostgreSQL's type refuses, SQLite refuses too."""
    columns, values = ("id, n", ["x", 1]) if column not in ("id", "n") else ("doc", ["{}"])
    statement = f"INSERT INTO things ({columns}, {column}) VALUES ({{}})"
    if column != "at":  # PostgreSQL also takes other spellings of a moment
        with pytest.raises(psycopg.Error), pair.postgresql.transaction():
            pair.postgresql.execute(statement.format(", ".join(["%s"] * (len(values) + 1))), [*values, value])

    with pytest.raises((sqlite3.IntegrityError, OverflowError)):
        bare.execute(statement.format(", ".join("?" * (len(values) + 1))), [*values, value])


def test_infinity_is_refused(bare):
    """A REAL column holds finite numbers alone."""
    with pytest.raises(sqlite3.IntegrityError):
        bare.execute("INSERT INTO things (id, real) VALUES ('x', 9e999)")


def test_a_part_goes_with_its_whole(bare):
    """Foreign keys cascade, and refuse an orphan."""
    bare.execute("INSERT INTO things (id) VALUES ('x')")
    bare.execute("INSERT INTO parts_of (thing_id, name) VALUES ('x', 'p')")
    bare.execute("DELETE FROM things")

    assert [] == bare.execute("SELECT * FROM parts_of").fetchall()
    with pytest.raises(sqlite3.IntegrityError):
        bare.execute("INSERT INTO parts_of (thing_id, name) VALUES ('x', 'p')")


def test_an_identity_counts():
    """An identity that is the primary key is AUTOINCREMENT, which gives no number twice."""
    text = migration_to_sqlite(
        "CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n bigint)", file="f"
    )
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.executescript(text)
    for change in ("INSERT INTO t (n) VALUES (1), (2)", "DELETE FROM t", "INSERT INTO t (n) VALUES (3)"):
        connection.execute(change)

    assert [(3, 3)] == connection.execute("SELECT id, n FROM t").fetchall()
    connection.close()


CHANGES = [
    ("ALTER TABLE t RENAME COLUMN a TO b", "RENAME COLUMN a TO b"),
    ("ALTER TABLE t RENAME TO u", "RENAME TO u"),
    ("ALTER TABLE t DROP COLUMN a", "DROP COLUMN a"),
    ("ALTER TABLE t ADD COLUMN IF NOT EXISTS a bigint", "ADD COLUMN a INTEGER"),
    ("DROP INDEX IF EXISTS i", "DROP INDEX IF EXISTS i"),
    ("CREATE INDEX i ON t (a DESC NULLS LAST) INCLUDE (b)", "CREATE INDEX i ON t(a DESC)"),
]


@pytest.mark.parametrize(("statement", "expected"), CHANGES)
def test_changes_of_tables(statement, expected):
    """The changes of a table that SQLite knows too."""
    assert expected in " ".join(migration_to_sqlite(statement, file="f").split())


REFUSED = [
    ("CREATE TABLE t (a text)", "text of the database's locale"),
    ("CREATE TABLE t (a numeric)", "type"),
    ("CREATE TABLE t (a varchar(10))", "type"),
    ("CREATE TABLE t (a serial)", "type"),
    ("CREATE TABLE t (a bigint[])", "type"),
    ("CREATE TABLE t (a timestamp)", "type"),
    ("CREATE TABLE t (a bigint, b bigint GENERATED ALWAYS AS IDENTITY, PRIMARY KEY (a, b))", "an identity"),
    ("CREATE TABLE t (a bigint GENERATED ALWAYS AS (1) STORED)", "a constraint"),
    ("CREATE TABLE t (a bigint DEFAULT random())", "a default"),
    ("CREATE TABLE t (a text COLLATE \"C\" CHECK (a ~ 'x'))", "x"),
    ('CREATE TABLE t (a text COLLATE "C" CHECK (octet_length(a) < 5))', "a function that a bare sqlite3"),
    ("CREATE TABLE t (a jsonb CHECK (a ->> 'x' = 'y'))", "a function that a bare sqlite3"),
    ("CREATE TABLE t (a bigint REFERENCES u (a) ON DELETE SET NULL)", "a foreign key with ON DELETE SET NULL"),
    ("CREATE TABLE t (a bigint, FOREIGN KEY (a) REFERENCES u (a) ON DELETE SET DEFAULT)", "a foreign key with"),
    ("CREATE TABLE t (a bigint, UNIQUE NULLS NOT DISTINCT (a))", "NULLS NOT DISTINCT"),
    ("CREATE TABLE t (a bigint, EXCLUDE USING gist (a WITH =))", ""),
    ("CREATE TABLE t (a bigint) PARTITION BY RANGE (a)", "properties"),
    ("CREATE INDEX i ON t USING gin (a)", "an index of another kind"),
    ("CREATE INDEX i ON t ((a ->> 'x'))", "a function that a bare sqlite3"),
    ("CREATE INDEX CONCURRENTLY i ON t (a)", "concurrently"),
    ("CREATE VIEW v AS SELECT 1", "a statement of a migration"),
    ("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1; $$", ""),
    ("CREATE TRIGGER g BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f()", ""),
    ("CREATE POLICY p ON t USING (true)", "a command"),
    ("ALTER TABLE t ALTER COLUMN a TYPE bigint", "a change of a table"),
    ("ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0)", "a change of a table"),
    ("ALTER TABLE t ENABLE ROW LEVEL SECURITY", "a command"),
    ("DROP TABLE t CASCADE", "cascade"),
    ("GRANT SELECT ON t TO u", ""),
    ("INSERT INTO t (a) VALUES (1)", "a statement of a migration"),
    ("DO $$ BEGIN NULL; END $$", ""),
]


@pytest.mark.parametrize(("statement", "construct"), REFUSED, ids=[sql[:70] for sql, _ in REFUSED])
def test_what_sqlite_cannot_do_is_refused(statement, construct):
    """B108: a migration that no rule carries over is refused with file, line and what to write instead."""
    with pytest.raises(Untranslatable) as refused:
        migration_to_sqlite(f"-- a header\n\n{statement};", file="migrations/0009.x.sql")

    assert ("migrations/0009.x.sql", 3) == (refused.value.file, refused.value.line)
    assert construct in refused.value.construct
    assert refused.value.hint


def test_all_refusals_of_a_file_are_told_together():
    """B108: one error names every statement that cannot be carried over."""
    text = "CREATE TABLE a (x numeric);\nCREATE TABLE b (x bigint);\nCREATE VIEW v AS SELECT 1;"

    with pytest.raises(Untranslatable, match=r"(?s)2 places.*f:1.*f:3"):
        migration_to_sqlite(text, file="f")
