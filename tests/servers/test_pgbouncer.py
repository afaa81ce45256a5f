"""A real PgBouncer in transaction mode stands between the roles and the test server."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from aiconsql.errors import Unavailable
from aiconsql.testing import Server
from tests.servers.pgbouncer import PgBouncer


@pytest.fixture
def database(postgres_server: Server) -> Iterator[str]:
    """An empty database."""
    name = postgres_server.create_database()
    yield name
    postgres_server.drop_database(name)


@pytest.mark.parametrize("role", ["app", "owner"])
def test_each_role_gets_through(pgbouncer: PgBouncer, database: str, role: str) -> None:
    """With its own password, to any database."""
    with psycopg.connect(pgbouncer.url(database, role=role)) as connection:  # type: ignore[arg-type]
        said = connection.execute("SELECT session_user::text, current_database()::text").fetchone()

    assert (pgbouncer.server.users[role], database) == said  # type: ignore[index]


def test_a_wrong_password_is_refused(pgbouncer: PgBouncer, database: str) -> None:
    """By PgBouncer, before the server hears of it."""
    password = pgbouncer.server.passwords["app"]

    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        psycopg.connect(pgbouncer.url(database).replace(password, "wrong"), connect_timeout=5)


def test_it_pools_by_transaction(pgbouncer: PgBouncer, database: str) -> None:
    """Six clients share two server connections, and each statement may meet another one."""
    clients = [psycopg.connect(pgbouncer.url(database), autocommit=True) for _ in range(6)]
    try:
        backends = {client.execute("SELECT pg_backend_pid()").fetchone() for client in clients for _ in range(5)}
    finally:
        for client in clients:
            client.close()

    assert 1 <= len(backends) <= 2


def test_the_session_is_not_the_clients(pgbouncer: PgBouncer, database: str) -> None:
    """What one client sets on the session another one sees: the trap that it is here for."""
    with (
        psycopg.connect(pgbouncer.url(database), autocommit=True) as one,
        psycopg.connect(pgbouncer.url(database), autocommit=True) as other,
    ):
        one.execute("SELECT set_config('aiconsql.tenant', 'acme', false)")

        assert ("acme",) == other.execute("SELECT current_setting('aiconsql.tenant', true)").fetchone()


def test_startup_options_are_refused(pgbouncer: PgBouncer, database: str) -> None:
    """As on every PgBouncer with default settings."""
    with pytest.raises(psycopg.OperationalError, match="unsupported startup parameter"):
        psycopg.connect(pgbouncer.url(database), options="-c search_path=mine", connect_timeout=5)


def test_its_console_answers(pgbouncer: PgBouncer) -> None:
    """The superuser sees the pools."""
    with psycopg.connect(pgbouncer.url("pgbouncer", role="superuser"), autocommit=True) as console:
        cursor = psycopg.ClientCursor(console)
        cursor.execute("SHOW CONFIG")
        config = {row[0]: row[1] for row in cursor}

    assert "transaction" == config["pool_mode"]
    assert (1, 0) <= pgbouncer.version


def test_why_it_does_not_start_is_told(pgbouncer: PgBouncer) -> None:
    """The error ends with PgBouncer's log, and nothing is left."""
    broken = PgBouncer(pgbouncer.binary, pgbouncer.server, settings={"pool_mode": "nonsense"})

    with pytest.raises(Unavailable, match=r"does not start: .*pool_mode"):
        broken.__enter__()
    assert not broken._directory.exists()
