"""The gates: every query compiles on both databases, the map is fresh, overrides keep their signature."""

from __future__ import annotations

import shutil

import psycopg
import pytest

from aiconsql.engine import generate
from aiconsql.engine.dialect import describe
from aiconsql.engine.queries import catalogue
from aiconsql.engine.resources import folder
from aiconsql.engine.sqlfiles import load_overrides, load_queries
from aiconsql.errors import Misuse, Refused, Untranslatable


def test_the_map_is_fresh(pg_empty_owner_url, capsys):
    """The shipped map is what the generator makes of sql/ and migrations/ now."""
    status = generate.main(["--check", "--url", pg_empty_owner_url])

    assert (0, "") == (status, capsys.readouterr().err)


def test_every_query_compiles_on_sqlite():
    """Every statement of the map compiles on a SQLite with the migrations of the map."""
    before = generate.bookkeeping(folder("migrations"))
    scripts = [script["sqlite"] for script in catalogue().migrations.values()]

    generate.compile_all([*before, *scripts], catalogue().queries)


def test_every_query_has_a_sentence():
    """Each query says in a comment what it does."""
    assert [] == [name for name, query in load_queries(folder("sql")).items() if not query.doc]


def test_overrides_keep_their_signature():
    """Each override has the name, suffix and parameters of a query, and stands beside it."""
    queries = load_queries(folder("sql"))

    assert load_overrides(folder("sql"), queries).keys() <= queries.keys()


@pytest.fixture
def people(tmp_path, pg_empty_owner_url):
    """A folder of queries, and what the generator says about it on a PostgreSQL with one table."""
    sql = tmp_path / "sql"

    class People:
        connection = psycopg.connect(pg_empty_owner_url, autocommit=True)

        def write(self, name: str, text: str) -> None:
            path = sql / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

        def described(self):
            types = describe.read_catalogue(self.connection)
            return generate.describe_queries(self.connection, types, sql)

    people = People()
    people.connection.execute('CREATE TABLE t (a bigint, b text COLLATE "C", u uuid)')
    yield people
    people.connection.close()


GOOD = "-- Queries of t.\n\n-- name: find(a)\n-- The rows with a.\nSELECT t.b FROM t AS t WHERE t.a = :a;\n"


def test_a_query_is_described(people):
    """Names, types, suffix, file, line and doc of a query come from its file and from PREPARE."""
    people.write("wing/t.sql", GOOD)

    assert {
        "t.find": {
            "doc": "The rows with a.",
            "kind": "rows",
            "file": "sql/wing/t.sql",
            "line": 3,
            "params": [["a", "bigint"]],
            "postgresql": "SELECT t.b FROM t AS t WHERE t.a = $1",
            "columns": [["b", "text"]],
            "sqlite": [{"sql": "SELECT t.b FROM t AS t WHERE t.a = :a", "params": ["a"], "each": {}}],
        }
    } == people.described()


def test_refusals_are_told_together_and_nothing_runs(people):
    """B108: one error names file, query, line and construct of every refused query; nothing is executed."""
    people.connection.execute("INSERT INTO t (a) VALUES (1)")
    people.write("wing/t.sql", GOOD + "\n-- name: drop()!\n-- All.\nDELETE FROM t AS t;\n")
    people.write(
        "wing/bad.sql",
        "-- name: one()\n-- No.\nSELECT x.a FROM t AS t, LATERAL (SELECT t.a) AS x;\n\n"
        "-- name: two(p)\n-- No.\nSELECT DISTINCT ON (t.a) t.b FROM t AS t WHERE t.a = :p;\n",
    )

    with pytest.raises(Untranslatable) as refused:
        people.described()
    error = refused.value
    assert ("sql/wing/bad.sql", "bad.one", 1) == (error.file, error.query, error.line)
    assert "sql/wing/bad.sql:1 bad.one: no rule carries LATERAL" in str(error)
    assert "sql/wing/bad.sql:5 bad.two: no rule carries DISTINCT ON" in str(error)
    assert (1,) == people.connection.execute("SELECT count(*) FROM t").fetchone()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("SELECT t.nope FROM t AS t WHERE t.a = :p", "postgresql: ERROR: column t.nope does not exist"),
        ("SELECT :p IS NULL", "could not determine data type of parameter $1"),
        ("SELECT t.u FROM t AS t WHERE t.a = :p", "its type (oid 2950) is not one of ours"),
        ("SELECT sum(t.a) FROM t AS t WHERE t.a = :p", "its type (oid 1700) is not one of ours"),
        ("SELECT t.b FROM t AS t WHERE t.u = :p", "its type (oid 2950) is not one of ours"),
    ],
)
def test_a_type_is_refused_until_cast(people, text, problem):
    """What PostgreSQL does not take, and a type that is not one of ours, is refused with the place."""
    people.write("wing/t.sql", f"-- name: q(p)\n-- Doc.\n{text};\n")

    with pytest.raises(Refused) as refused:
        people.described()
    assert "sql/wing/t.sql:1 t.q" in str(refused.value)
    assert problem in str(refused.value)


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"a/t.sql": GOOD, "b/t.sql": GOOD}, "nouns are unique"),
        ({"a/t.sql": GOOD + GOOD}, "a second query of this name"),
        ({"a/t.sql": GOOD.replace("find(a)", "find(b)")}, "undeclared parameter"),
        ({"a/t.sql": GOOD.replace("find(a)", "find(a)*!")}, "the suffixes are"),
        ({"a/t.sql": GOOD, "sqlite/a/t.sql": GOOD.replace("find(a)", "find(a)^")}, "suffix or parameters differ"),
        ({"a/t.sql": GOOD, "sqlite/a/t.sql": GOOD.replace("find(a)", "other(a)")}, "overrides no query"),
        ({"a/t.sql": GOOD, "sqlite/b/t.sql": GOOD}, "another folder"),
    ],
)
def test_a_wrong_file_is_told(people, files, problem):
    """Nouns are unique, names too, and an override fits its query."""
    for name, text in files.items():
        people.write(name, text)

    with pytest.raises(Misuse, match=problem):
        people.described()


def test_an_override_replaces_the_translation(people):
    """An override may hold several statements; the types stay those of PostgreSQL."""
    people.write("a/t.sql", GOOD.replace("t.b FROM", "left(t.b, 1) AS b FROM"))
    people.write("sqlite/a/t.sql", GOOD.replace("SELECT t.b", "DELETE FROM t;\nSELECT t.b"))

    query = people.described()["t.find"]

    assert [["DELETE FROM t", []], ["SELECT t.b FROM t AS t WHERE t.a = :a", ["a"]]] == [
        [one["sql"], one["params"]] for one in query["sqlite"]
    ]
    assert [["b", "text"]] == query["columns"]


def test_a_stale_map_is_told(pg_empty_owner_url, tmp_path, monkeypatch, capsys):
    """--check names what differs and exits 1."""
    stale = shutil.copy(generate.MAP, tmp_path / "map.json")
    text = stale.read_text()
    stale.write_text(text.replace('"kind": "one"', '"kind": "rows"', 1))
    monkeypatch.setattr(generate, "MAP", stale)

    assert 1 == generate.main(["--check", "--url", pg_empty_owner_url])
    error = capsys.readouterr().err
    assert '-   "kind": "rows"' in error
    assert "make generate" in error
