"""What PostgreSQL gets is the author's text, with $n where a parameter stands and nowhere else."""

from __future__ import annotations

import pytest

from aiconsql.engine.dialect.translate import parameter_names, postgres_text, statements


@pytest.mark.parametrize(
    ("sql", "text", "names"),
    [
        ("SELECT :a, :b, :a", "SELECT $1, $2, $1", ["a", "b"]),
        (":a", "$1", ["a"]),
        ("SELECT x::text, '12:30:00'", "SELECT x::text, '12:30:00'", []),
        ("SELECT :a::bigint[]", "SELECT $1::bigint[]", ["a"]),
        ("SELECT arr[1:2], :a", "SELECT arr[1:2], $1", ["a"]),
        ("SELECT :a -- not :b\n, :c /* :d */", "SELECT $1 -- not :b\n, $2 /* :d */", ["a", "c"]),
        ("SELECT E'it\\'s :b', :a", "SELECT E'it\\'s :b', $1", ["a"]),
        ("SELECT $$it's :b$$, $x$ :c $x$, :a", "SELECT $$it's :b$$, $x$ :c $x$, $1", ["a"]),
        ("SELECT \":q\", '?' , a % 5 LIKE '100%', :a", "SELECT \":q\", '?' , a % 5 LIKE '100%', $1", ["a"]),
        ("SELECT 'it''s :b' || :a", "SELECT 'it''s :b' || $1", ["a"]),
        (
            "SELECT ':b is' , :order, :select, :timestamp",
            "SELECT ':b is' , $1, $2, $3",
            ["order", "select", "timestamp"],
        ),
        ("SELECT f(x => :a, y := :b)", "SELECT f(x => $1, y := $2)", ["a", "b"]),
        ("SELECT '{\"a\": 1}'::json -> :k", "SELECT '{\"a\": 1}'::json -> $1", ["k"]),
        ("SELECT :a_1, :_b, :é", "SELECT $1, $2, $3", ["a_1", "_b", "é"]),
    ],
)
def test_parameters_are_found_by_tokens(sql, text, names):
    """B11, B12: a colon in a literal, comment, cast, slice or identifier is no parameter."""
    assert (text, names) == postgres_text(sql)


def test_percent_signs_stay():
    """B10: a % in the text is not doubled, for the driver does not format it."""
    assert ("SELECT 'a_%' LIKE $1 -- 100%", ["p"]) == postgres_text("SELECT 'a_%' LIKE :p -- 100%")


def test_statements_are_divided_by_tokens():
    """Semicolons in strings, comments and $$ do not divide; each statement has its line."""
    text = "SELECT ';';\n-- a; b\nSELECT $$;$$;\n\nSELECT 1;\n;"

    assert [("SELECT ';'", 1), ("SELECT $$;$$", 3), ("SELECT 1", 5)] == list(statements(text))


def test_parameters_of_sqlite_are_named_once():
    """The names that a statement for SQLite binds, in their order."""
    assert ["b", "a"] == parameter_names("SELECT :b, ':c', :a, :b")
