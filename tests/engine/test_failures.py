"""Databases that cannot be reached, opened or written: a typed error in time, and the old state stays."""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

import aiconsql
from aiconsql.testing import Server
from aiconsql.testing.machine import free_port, ordinary_account


def agent(id: str = "ada") -> aiconsql.AIcon:
    """An AIcon with nothing in it."""
    return aiconsql.AIcon("Ada", id=id)


def failure(connect: Callable[..., Any], url: str, kind: type[Exception], within_s: float = 3) -> Exception:
    """The error of opening a database; the driver's is its cause."""
    begun = time.monotonic()
    with pytest.raises(kind) as caught:
        connect(url)
    assert kind is caught.type
    assert time.monotonic() - begun < within_s
    return caught.value


POSTGRES = pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
SQLITE = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


@POSTGRES
def test_nothing_listens(connect: Callable[..., Any]) -> None:
    """B90: Unavailable at once, not after the timeout."""
    error = failure(connect, f"postgresql://u:p@127.0.0.1:{free_port()}/d", aiconsql.Unavailable)

    assert "Connection refused" in str(error)
    assert isinstance(error.__cause__, psycopg.Error)


@POSTGRES
def test_a_host_that_does_not_answer(connect: Callable[..., Any]) -> None:
    """B90: Unavailable within the timeout."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        url = f"postgresql://u:p@127.0.0.1:{listener.getsockname()[1]}/d?timeout_s=1"
        error = failure(connect, url, aiconsql.Unavailable, within_s=5)

    assert "timeout" in str(error)


@POSTGRES
def test_an_unknown_host(connect: Callable[..., Any]) -> None:
    """B90: a name that nobody knows."""
    failure(connect, "postgresql://u:p@nowhere.invalid/d?timeout_s=1", aiconsql.Unavailable, within_s=10)


@POSTGRES
def test_refused_by_the_server(connect: Callable[..., Any], pg_url: str) -> None:
    """B90: a wrong password, an unknown role or database is a SettingsError at once, with a hint what to look at."""
    name = pg_url.rpartition("/")[2]
    wrong = {
        pg_url.replace("@", "x@"): "password",
        pg_url.replace("aiconsql_app:", "nobody:"): "password",
        pg_url.replace(name, "nowhere"): "create the database",
    }
    hints = {url: str(getattr(failure(connect, url, aiconsql.SettingsError), "hint", "")) for url in wrong}

    assert [] == [url for url, word in wrong.items() if word not in hints[url]]


@POSTGRES
def test_a_parameter_that_the_server_cannot_serve(connect: Callable[..., Any], pg_url: str) -> None:
    """B90: libpq's own complaints are typed, too."""
    failure(connect, f"{pg_url}?sslmode=verify-full&sslrootcert=/nowhere", aiconsql.SettingsError)
    failure(connect, f"{pg_url}?sslmode=require", aiconsql.SettingsError)
    with pytest.raises(aiconsql.SettingsError, match="pool_max"):
        connect(f"{pg_url}?pool_max=none")


@POSTGRES
def test_unmigrated(connect: Callable[..., Any], pg_empty_owner_url: str, pg_url: str) -> None:
    """An empty database, or an unknown schema, says what to type."""
    for url, options in ((pg_empty_owner_url, {}), (pg_url, {"schema": "nowhere"})):
        with pytest.raises(aiconsql.NotMigrated) as caught:
            connect(url, **options)
        assert "run: aiconsql migrate" == caught.value.hint


@POSTGRES
def test_a_role_without_rights(connect: Callable[..., Any], pg_url: str, pg_owner_url: str) -> None:
    """B143: a missing privilege is Refused and says which table; nothing is written."""
    db = connect(pg_url)
    with psycopg.connect(pg_owner_url, autocommit=True) as owner:
        owner.execute("REVOKE INSERT ON aicons FROM aiconsql_app")
    with pytest.raises(aiconsql.Refused, match=r"permission denied for table aicons"):
        db.aicons.save(agent())

    assert [] == db.aicons.list()


@SQLITE
@pytest.mark.parametrize(
    "content", [b"no database at all" * 100, b"\x7fELF", bytes(5_000)], ids=["text", "short", "zeros"]
)
def test_a_foreign_file(connect: Callable[..., Any], tmp_path: Path, content: bytes) -> None:
    """B90: a file that is no database is Corrupt, and is left as it is."""
    path = tmp_path / "foreign.db"
    path.write_bytes(content)
    error = failure(connect, str(path), aiconsql.Corrupt)

    assert "not a SQLite database" in str(error)
    assert content == path.read_bytes()
    assert {"foreign.db"} == {entry.name for entry in tmp_path.iterdir()}


@SQLITE
def test_a_place_that_is_none(connect: Callable[..., Any], tmp_path: Path) -> None:
    """B90: a path below a file, or a directory instead of a file, is Unavailable and says what to do."""
    (tmp_path / "file").write_text("")
    (tmp_path / "directory").mkdir()
    for place in ("file/x.db", "directory"):
        error = failure(connect, str(tmp_path / place), aiconsql.Unavailable)
        assert "choose a place you may write to" in str(getattr(error, "hint", ""))


READ_ONLY = """
import os, sys, aiconsql
aiconsql.connect("sqlite://").close()  # what is imported now can be read, other places perhaps only by root
if len(sys.argv) > 2:
    os.setgid(int(sys.argv[3])); os.setuid(int(sys.argv[2]))
try:
    aiconsql.connect(sys.argv[1])
except aiconsql.Unavailable as error:
    print(type(error).__name__, error.hint)
"""


def test_a_read_only_directory(tmp_path: Path) -> None:
    """B90, B143: as an ordinary user (root may write everywhere), for a new file and for one that is there."""
    account = ordinary_account()
    who = [str(account.uid), str(account.gid)] if account else []
    for parent in (tmp_path, *tmp_path.parents):
        if parent.owner() and parent.stat().st_uid == os.geteuid() and len(parent.parts) > 2:
            parent.chmod(0o755)
    aiconsql.connect(str(tmp_path / "there.db")).close()
    (tmp_path / "there.db").chmod(0o444)
    for path in tmp_path.iterdir():
        path.chmod(0o444)
    tmp_path.chmod(0o555)
    said = [
        subprocess.run(
            [sys.executable, "-c", READ_ONLY, str(tmp_path / name), *who], capture_output=True, text=True, check=False
        )
        for name in ("new.db", "there.db")
    ]
    tmp_path.chmod(0o755)

    assert ["Unavailable choose a place you may write to\n"] * 2 == [done.stdout for done in said], said


@SQLITE
def test_a_full_disk(db: Any, face: str) -> None:
    """B90, B143: Unavailable, nothing half-written, and on again when there is room."""
    import numpy as np

    db.aicons.save(agent())
    large = db.aicons.load("ada")
    large.brain = {"weights": np.random.default_rng(1).random(200_000)}
    pool = (db._target if face == "async" else db)._runner.pool
    (member,) = (pool.file if face == "async" else pool)._writers
    (pages,) = member.connection.execute("PRAGMA page_count").fetchone()
    member.connection.execute(f"PRAGMA max_page_count = {pages + 5}")
    with pytest.raises(aiconsql.Unavailable, match="the disk is full"):
        db.aicons.save(large)

    assert {} == db.aicons.load("ada").brain
    member.connection.execute("PRAGMA max_page_count = 1000000")
    assert 2 == db.aicons.save(large)


FULL = """
import resource, signal, sys, aiconsql, numpy
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with aiconsql.connect(sys.argv[1]) as db:
    ada = db.aicons.load("ada")
    ada.brain = {"weights": numpy.random.default_rng(1).random(2_000_000)}
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))
    try:
        db.aicons.save(ada)
    except aiconsql.Unavailable as error:
        print(type(error).__name__)
    print(db.aicons.load("ada").version)
"""


def test_a_file_that_cannot_grow(sqlite_url: str) -> None:
    """B90, B143: the kernel refuses to write more (a quota, a full disk): Unavailable, and the old state intact."""
    assert resource.RLIMIT_FSIZE
    with aiconsql.connect(sqlite_url) as db:
        db.aicons.save(agent())
    done = subprocess.run([sys.executable, "-c", FULL, sqlite_url], capture_output=True, text=True, check=False)
    with aiconsql.connect(sqlite_url) as db:
        version, brain = db.aicons.load("ada").version, db.aicons.load("ada").brain

    assert ("Unavailable\n1\n", "") == (done.stdout, done.stderr)
    assert (1, {}) == (version, brain)


@SQLITE
def test_a_damaged_file(connect: Callable[..., Any], tmp_path: Path) -> None:
    """B143: a database whose pages were overwritten is Corrupt, never an empty answer."""
    import numpy as np

    path = tmp_path / "x.db"
    db = connect(str(path))
    aicon = agent()
    aicon.brain = {"weights": np.random.default_rng(1).random(50_000)}
    db.aicons.save(aicon)
    db.close()
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    path.write_bytes(data)
    with pytest.raises(aiconsql.Corrupt):
        connect(str(path)).aicons.load("ada")


@POSTGRES
def test_a_server_out_of_connections(postgres_server: Server, pg_database: str, connect: Callable[..., Any]) -> None:
    """B90: a server that takes no more connections is waited for, then Unavailable."""
    with postgres_server.connect() as admin:
        admin.execute(f'ALTER DATABASE "{pg_database}" CONNECTION LIMIT 0')
    error = failure(connect, f"{postgres_server.url(pg_database)}?timeout_s=0.5", aiconsql.Unavailable)

    assert "too many connections" in str(error)
