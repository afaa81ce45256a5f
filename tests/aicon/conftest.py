"""What the tests of AIcons share: one PostgreSQL database that is emptied, and a look behind aiconsql's back."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest

import aiconsql
from aiconsql.engine.dialect.url import parse_url
from aiconsql.engine.queries import catalogue
from aiconsql.testing import Server

Rows = list[tuple[Any, ...]]


@pytest.fixture(scope="session")
def emptied_database(postgres_server: Server) -> Iterator[str]:
    """The name of a migrated database; hundreds of tests share it, for a copy each would take minutes."""
    name = postgres_server.create_database()
    aiconsql.initialize_database(postgres_server.url(name, role="owner"))
    yield name
    postgres_server.drop_database(name)


@pytest.fixture
def pg_database(postgres_server: Server, emptied_database: str) -> Iterator[str]:
    """The name of a database that is empty when a test begins."""
    yield emptied_database
    with postgres_server.connect(emptied_database) as connection:
        connection.execute("SET lock_timeout = '10s'")
        connection.execute("TRUNCATE aicons, parts, history RESTART IDENTITY CASCADE")


def look_at(url: str, statement: str, tenant: str = "default") -> Rows:
    """The rows that a tenant has, on a connection that aiconsql knows nothing of."""
    if url.startswith("postgresql"):
        # The application's role sees its tenant only.
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("SELECT set_config('aiconsql.tenant', %s, false)", [tenant])
            return connection.execute(statement.encode()).fetchall()
    with closing(sqlite3.connect(str(parse_url(url).path), isolation_level=None)) as connection:
        for table in catalogue().tables:
            connection.execute(f"CREATE TEMP VIEW {table} AS SELECT * FROM main.{table} WHERE tenant_id = '{tenant}'")
        return connection.execute(statement).fetchall()


@pytest.fixture
def look(url: str) -> Callable[[str], Rows]:
    """`look("SELECT …")`: rows of the test's database, read behind aiconsql's back."""
    return lambda statement: look_at(url, statement)


@pytest.fixture
def entries(look: Callable[[str], Rows]) -> Callable[..., Rows]:
    """`entries(version)`: what the history holds from a version on, as (table, key, version, operation)."""
    return lambda since=1: look(f"SELECT tbl, key, version, op FROM history WHERE version >= {since} ORDER BY seq")


@pytest.fixture
def ada(db: Any) -> aiconsql.AIcon:
    """A saved AIcon with two factors, a sensor and a brain."""
    aicon = aiconsql.AIcon("Ada", id="ada")
    aicon.state = {"turn": 1}
    aicon.add_factor_continuous("rate", 0.5, lower_bound=0, upper_bound=1)
    aicon.add_factor_categorical("mood", "calm", categories=["calm", "tense"])
    aicon.add_sensor("cpu")
    aicon.brain = {"weights": [1, 2]}
    db.aicons.save(aicon)
    return aicon
