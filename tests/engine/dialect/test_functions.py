"""The taught functions: guards that raise, values that are refused, and PostgreSQL's texts of numbers and JSON."""

from __future__ import annotations

import json
import sqlite3
import threading
from datetime import timedelta, timezone

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from aiconsql.engine.dialect.functions import Context, TaughtError, now_text, teach

quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def taught():
    """A connection of one's own with the functions, and their context."""
    context = Context()
    connection = sqlite3.connect(":memory:", isolation_level=None)
    teach(connection, context)
    yield connection, context
    connection.close()


def ask(taught, sql, *values):
    """The first value of a statement."""
    return taught[0].execute(f"SELECT {sql}", values).fetchone()[0]


def test_the_tenant_follows_the_context(taught):
    """The tenant is the context's at each statement."""
    first = ask(taught, "current_tenant()")
    taught[1].tenant = "beta"

    assert ("default", "beta") == (first, ask(taught, "current_tenant()"))


def test_two_connections_have_tenants_of_their_own():
    """B16: what one connection in one thread is taught, another one in another thread does not see."""
    found = {}

    def run(tenant):
        connection = sqlite3.connect(":memory:")
        teach(connection, Context(tenant))
        found[tenant] = connection.execute("SELECT current_tenant()").fetchone()[0]
        connection.close()

    threads = [threading.Thread(target=run, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {"a": "a", "b": "b"} == found


@pytest.mark.parametrize(
    ("call", "code", "detail"),
    [
        (
            "expect_version('factor', 'mood', 2, 1, 3)",
            "AIC01",
            {"kind": "factor", "key": "mood", "have": 2, "expected": 1},
        ),
        (
            "expect_version('factor', 'mood', NULL, 1, 3)",
            "AIC01",
            {"kind": "factor", "key": "mood", "have": None, "expected": 1},
        ),
        ("require_row('aicon', 'x', 0)", "AIC03", {"kind": "aicon", "key": "x"}),
        ("require_row('aicon', 'x', NULL)", "AIC03", {"kind": "aicon", "key": "x"}),
        ("integer_quotient(1, 0)", "22012", {}),
        ("fits_bigint(9223372036854775807 + 1)", "22003", {"value": 2.0**63}),
        ("text_bigint('1e3')", "22P02", {"value": "1e3"}),
        ("text_timestamptz('2026-01-01T00:00:00')", "22007", {"value": "2026-01-01T00:00:00"}),
        ("row_limit(-1)", "22023", {"value": -1}),
        ("place_of(0)", "22011", {"value": 0}),
    ],
)
def test_an_exception_is_kept_with_its_code(taught, call, code, detail):
    """A taught function's exception is kept in the context, because sqlite3 loses it."""
    with pytest.raises(sqlite3.OperationalError, match="user-defined function raised exception"):
        ask(taught, call)

    error = taught[1].error
    assert isinstance(error, TaughtError)
    assert (code, detail) == (error.code, error.detail)


def test_guards_let_the_right_ones_through(taught):
    """A fitting version gives the next one, a row that is there gives true."""
    assert 3 == ask(taught, "expect_version('f', 'k', 1, 1, 3)")
    assert 1 == ask(taught, "require_row('f', 'k', EXISTS (SELECT 1))")


VALUES = [
    ("continuous", "{}", "1.5"), ("continuous", '{"lower_bound": 0}', "-1"), ("continuous", '{"upper_bound": 1}', "1"),
    ("continuous", '{"lower_bound": null, "min_value": 5}', "1"), ("continuous", '{"min_value": 5}', "1.0"),
    ("continuous", "{}", '"x"'), ("continuous", "{}", "true"), ("discrete", "{}", "2.0"), ("discrete", "{}", "2.5"),
    ("discrete", '{"max_value": 2}', "3"), ("categorical", '{"categories": ["a", "b"]}', '"a"'),
    ("categorical", '{"categories": ["a", "b"]}', '"c"'), ("categorical", '{"categories": [1]}', "1.0"),
    ("categorical", "{}", '"any"'), ("continuous", "{}", None), ("categorical", '{"categories": ["a"]}', None),
    ("continuous", "{}", "null"),
]  # fmt: skip


@pytest.mark.parametrize(("factor_type", "parameters", "value"), VALUES)
def test_a_value_is_accepted_alike(pair, factor_type, parameters, value):
    """accept_value answers, and refuses with the same words, on both databases."""
    arguments = ("mood", factor_type, parameters, value, 7)
    expected = _answer(
        lambda: pair.postgresql.execute("SELECT accept_value(%s, %s, %s, %s, %s)", arguments).fetchone()[0]
    )
    pair.context.error = None
    found = _answer(
        lambda: pair.sqlite.execute("SELECT accept_value(?, ?, ?, ?, ?)", arguments).fetchone()[0], pair.context
    )

    assert expected == found


def _answer(ask_it, context=None):
    try:
        return ask_it()
    except psycopg.Error as error:
        return error.sqlstate, error.diag.message_primary
    except sqlite3.OperationalError:
        return context.error.code, str(context.error)


def test_the_clock_is_of_one_width(taught):
    """Moments are UTC texts of 32 characters, so that text order is time order."""
    assert 32 == len(now_text()) == len(ask(taught, "clock_timestamp()")) == len(ask(taught, "aiconsql_now()"))
    assert now_text().endswith("+00:00")


def test_like_minds_case(taught):
    """After teach, LIKE distinguishes cases as PostgreSQL does."""
    assert (0, 1) == (ask(taught, "'a' LIKE 'A'"), ask(taught, "'a' LIKE 'a'"))


@quick
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_printed_alike(pair, value):
    """The text of a double precision is the same on both databases."""
    assert pair.on_postgresql("SELECT (:v::double precision)::text AS x", {"v": value}) == pair.on_sqlite(
        "SELECT (:v::double precision)::text AS x", {"v": value}
    )


text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
documents = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)


@quick
@given(documents, documents, text)
def test_json_is_read_alike(pair, document, other, key):
    """B9: members, texts, containment and merging of JSON give the same on both databases."""
    values = {"a": json.dumps(document), "b": json.dumps({key: other}, ensure_ascii=False), "k": key}
    sql = (
        "SELECT (:a::jsonb)::text AS a, :b::jsonb ->> :k::text AS b, :a::json ->> :k AS c, (:b::json -> :k)::text AS d,"
        " :a::jsonb @> :b::jsonb AS e, (:b::jsonb || :b::jsonb)::text AS f, (:b::jsonb - :k)::text AS g,"
        " :b::jsonb ? :k AS h"
    )
    sql = sql.replace(":a::json ", ":c::json ").replace(":b::json ", ":d::json ")
    values |= {"c": values["a"], "d": values["b"]}

    assert pair.on_postgresql(sql, values) == pair.on_sqlite(sql, values)


@quick
@given(st.datetimes(), st.integers(-14 * 60, 14 * 60), st.floats(-1e6, 1e6))
def test_moments_move_alike(pair, moment, offset_min, seconds):
    """B14: moments of any offset compare, move and are cut the same on both databases."""
    if not 3 < moment.year < 9990:
        return
    at = moment.replace(tzinfo=timezone(timedelta(minutes=offset_min)))
    sql = (
        "SELECT :at::timestamptz + make_interval(secs => :s) AS a, date_trunc('hour', :at, 'UTC') AS b,"
        " extract(epoch FROM :at)::double precision AS c, :at < '2026-01-01T00:00:00+05:00' AS d"
    )

    assert pair.on_postgresql(sql, {"at": at, "s": seconds}) == pair.on_sqlite(sql, {"at": at, "s": seconds})
