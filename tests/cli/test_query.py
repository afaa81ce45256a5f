"""`aiconsql query`, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from aiconsql.cli.values import read_value
from aiconsql.engine.queries import catalogue
from tests.cli.running import save_ada


def test_list(cli):
    """--list shows every query but those of a unit of work, with doc, types and columns."""
    found = cli("query", "--list", "--json").json

    assert sorted(name for name in catalogue().queries if not name.startswith("unit.")) == sorted(
        q["name"] for q in found
    )
    assert {"name", "doc", "kind", "writes", "params", "columns", "file", "line"} == found[0].keys()
    assert all(one["doc"] for one in found)


def test_rows(cli, url):
    """A query's rows come as an array of objects."""
    ada = save_ada(url)
    words = ("query", "aicons.find_by_name", f"name={ada.name}", "after_id=", "limit_n=5", "--url", url)

    assert [ada.id] == [row["id"] for row in cli(*words, "--json").json]
    assert ada.id in cli(*words).out


def test_timestamps(cli, url):
    """Timestamps are read with their zone."""
    ada = save_ada(url)
    soon = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
    words = ("query", "aicons.find_recent", f"before={soon}", "before_id=", "limit_n=5", "--json", "--url", url)

    assert [ada.id] == [row["id"] for row in cli(*words).json]


def test_no_row(cli, url):
    """No row of a ^ query is null."""
    words = ("query", "aicons.mark", "id=nobody", "--write", "--url", url)

    assert cli(*words, "--json").json is None
    assert "no row\n" == cli(*words).out


def test_write_only_when_asked(cli, url):
    """A query that changes rows needs --write; then it gives their number."""
    ada = save_ada(url)
    words = ("query", "aicon_updates.trim", f"aicon_id={ada.id}", "kept=0", "--json", "--url", url)

    assert 2 == cli(*words).code
    assert 1 == cli(*words, "--write").json


def test_null(cli, url):
    """--null K gives NULL."""
    ada = save_ada(url)
    words = (
        "query",
        "aicons.touch",
        f"id={ada.id}",
        "iterations=0",
        "--null",
        "start_time",
        "--null",
        "last_update_time",
    )

    assert 2 == cli(*words, "--write", "--json", "--url", url).json["version"]


def test_unit_queries_are_refused(cli, url):
    """What surrounds a unit of work cannot be run alone."""
    assert 2 == cli("query", "unit.leave", "--write", "--url", url).code


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("aicons.nonsense",), "no such query"),
        (("aicons.require", "id"), "written k=v"),
        (("aicons.require", "id=x", "it=y"), "no parameter it"),
        (("aicons.require",), "lacks id"),
        (("aicons.load", "id=x", "updates_n=many"), "updates_n: bigint expected"),
    ],
)
def test_bad_parameters(cli, words, problem):
    """What is wrong with a parameter is told, with the parameters that there are."""
    done = cli("query", *words)

    assert done.code in {1, 2}
    assert problem in done.err


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("-7", "bigint", -7),
        ("1e-3", "double precision", 0.001),
        ("off", "boolean", False),
        ("\\x00ff", "bytea", b"\x00\xff"),
        ('{"a": 1}', "jsonb", '{"a": 1}'),
        ("2026-01-02T03:04:05Z", "timestamptz", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ('["a", null, "b"]', "text[]", ["a", None, "b"]),
        ("[1, 2]", "bigint[]", [1, 2]),
        ('["00ff"]', "bytea[]", [b"\x00\xff"]),
        ('[{"a": 1}]', "json[]", ['{"a": 1}']),
        ("[true]", "boolean[]", [True]),
    ],
)
def test_read_value(text, kind, value):
    """Every type of the map is read from text."""
    assert value == read_value(text, kind)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("x", "bigint"),
        ("2026-01-02", "timestamptz"),
        ("{", "json"),
        ("maybe", "boolean"),
        ("{}", "text[]"),
        ("zz", "bytea"),
    ],
)
def test_unreadable_value(text, kind):
    """A text that is no value of the type is refused."""
    with pytest.raises(ValueError, match=r".+"):
        read_value(text, kind)
