"""Each test gets a database of its own, migrated, as the role that the application has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from aiconsql.testing import Server
from tests.servers.wire import Wire


@pytest.mark.parametrize("time", ["first", "second"])
def test_a_test_does_not_see_what_another_one_did(pg_owner_url: str, time: str) -> None:
    """Its database is a fresh copy of the template, and the owner may change it."""
    with psycopg.connect(pg_owner_url, autocommit=True) as owner:
        owner.execute("CREATE TABLE trace_of_a_test (word text)")


def test_the_url_is_the_applications(pg_url: str, pg_owner_url: str, postgres_server: Server) -> None:
    """It owns nothing in the migrated database, in which there is something to own."""
    with psycopg.connect(pg_url) as app, psycopg.connect(pg_owner_url) as owner:
        owned = "SELECT count(*) FROM pg_class WHERE relowner = current_user::regrole"

        assert postgres_server.users["app"] == app.info.user
        assert (0,) == app.execute(owned).fetchone()
        assert (0,) != owner.execute(owned).fetchone()


def test_an_empty_database_is_not_migrated(pg_empty_owner_url: str) -> None:
    """For the tests of migrations."""
    with psycopg.connect(pg_empty_owner_url) as owner:
        assert (0,) == owner.execute("SELECT count(*) FROM pg_class WHERE relowner = current_user::regrole").fetchone()


def test_a_sqlite_file_is_not_there_yet(sqlite_url: str) -> None:
    """An absolute path in the test's own directory."""
    assert sqlite_url.startswith("sqlite:////")
    assert not Path(sqlite_url.removeprefix("sqlite:///")).exists()


def test_a_url_is_of_its_database(url: str, backend: str) -> None:
    """Each of the two in turn."""
    assert url.startswith(f"{backend}:")


def test_the_migrated_database_is_behind_the_wire(wire: Wire, pg_url: str) -> None:
    """The wire passes on to the server of `pg_url`."""
    with wire.count() as n, psycopg.connect(wire.url(pg_url), autocommit=True) as app:
        app.execute("SELECT 1")

    assert 1 == n.connections


def test_a_database_opens_on_each_face(db: Any, connect: Callable[..., Any]) -> None:
    """And a second client of the same database beside it."""
    other = connect()

    assert db is not other
