"""One database for many tests, each a tenant of its own: making one takes longer than most of them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

import aiconsql
from aiconsql.testing import Server

_NUMBERS = count(1)


@pytest.fixture(scope="session")
def engine_database(postgres_server: Server) -> Iterator[str]:
    """The name of a migrated database for tests that change no schema."""
    name = postgres_server.create_database()
    aiconsql.initialize_database(postgres_server.url(name, role="owner"))
    yield name
    postgres_server.drop_database(name)


@pytest.fixture
def own_tenant(monkeypatch: pytest.MonkeyPatch) -> str:
    """A tenant of this test's own, for all that it connects to."""
    name = f"tenant{next(_NUMBERS)}"
    monkeypatch.setenv("AICONSQL_TENANT", name)
    return name


@pytest.fixture
def shared_pg_url(postgres_server: Server, engine_database: str, own_tenant: str) -> str:
    """The application role's URL of the database that many tests share; a module makes it its `pg_url`."""
    return postgres_server.url(engine_database)
