"""Every construct that is carried over gives the same rows on a real PostgreSQL and a real SQLite."""

from __future__ import annotations

import sqlite3

import psycopg
import pytest

from tests.engine.dialect.cases import ALL, FAILING


def _names(cases):
    return [f"{i}-{sql[:70]}" for i, (sql, _values) in enumerate(cases)]


@pytest.mark.parametrize(("sql", "values"), ALL, ids=_names(ALL))
def test_rows_are_equal(pair, sql, values):
    """B10, B11, B12 and the rest: a statement gives the same rows on both databases."""
    try:
        expected = pair.on_postgresql(sql, values)
    except psycopg.Error as error:
        pytest.fail(f"not valid on postgresql: {error}")
    found = pair.on_sqlite(sql, values)
    if "ORDER BY" not in sql:
        expected, found = sorted(expected, key=repr), sorted(found, key=repr)

    assert expected == found
    assert [[type(v) for v in row] for row in expected] == [[type(v) for v in row] for row in found]


@pytest.mark.parametrize(
    ("sql", "values"), FAILING, ids=[f"{i}-{sql[:70]}" for i, (sql, _values) in enumerate(FAILING)]
)
def test_errors_are_errors_on_both(pair, sql, values):
    """B8 and the rest: what PostgreSQL refuses when it runs is no silent answer on SQLite."""
    with pytest.raises(psycopg.Error):
        pair.on_postgresql(sql, values)

    with pytest.raises(sqlite3.Error):
        pair.on_sqlite(sql, values)
