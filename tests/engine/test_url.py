"""Database URLs: every part exactly, every mistake told, no password shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql

import aiconsql
from aiconsql.engine.dialect.url import parse_url
from aiconsql.errors import SettingsError
from aiconsql.testing import Server

ODD = [
    "a@b",
    "{x}",
    "[1]",
    "a:b",
    "100%",
    "a/b",
    "a?b",
    "a#b",
    "a b",
    "ü€",
    "a&b=c",
    "p?tenant",
    "a?b=c",
    "%41",
    "a+b",
    "'\"\\",
]


def test_paths_are_sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """B1: a path, sqlite:// and sqlite:/// are SQLite files; an empty name or :memory: is memory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/ada")
    files = {
        "x.db": tmp_path / "x.db",
        "./a/x.db": tmp_path / "a/x.db",
        "/var/x.db": Path("/var/x.db"),
        "~/x.db": Path("/home/ada/x.db"),
        "C:x.db": tmp_path / "C:x.db",
        "sqlite://x.db": tmp_path / "x.db",
        "sqlite:///x.db": tmp_path / "x.db",
        "sqlite:////var/x.db": Path("/var/x.db"),
        "sqlite:///~/x.db": Path("/home/ada/x.db"),
        "SQLite:///x%20y.db?tenant=acme": tmp_path / "x y.db",
    }

    assert files == {url: Path(parse_url(url).path or "") for url in files}
    assert [None] * 4 == [parse_url(url).path for url in ("sqlite://", "sqlite:///", "sqlite://:memory:", ":memory:")]
    assert "sqlite" == parse_url("x.db").dialect


@pytest.mark.parametrize(
    "url", ["mysql://u:secret@h/d", "postgrse://u:secret@h/d", "http:secret", "sqlite3:///x", "postgresql:d"]
)
def test_another_scheme_is_refused(url: str) -> None:
    """B1: a typo never becomes a file name; the error lists the known schemes."""
    with pytest.raises(SettingsError) as caught:
        parse_url(url)

    assert "postgres://, postgresql://, sqlite://" in str(caught.value.hint)
    assert "secret" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize("password", ODD)
def test_every_part_comes_back(password: str) -> None:
    """B2: user, password, host, port, database and parameters, encoded or not."""
    encoded = f"postgresql://x%40y:{quote(password, safe='')}@h:5433/d%2Fe?tenant=x%26y&sslmode=require"
    target = parse_url(encoded)

    assert {
        "user": "x@y", "password": password, "host": "h", "port": "5433", "dbname": "d/e", "sslmode": "require",
    } == target.conninfo  # fmt: skip
    assert "x&y" == target.tenant
    assert password not in f"{target!r} {target}"


@pytest.mark.parametrize("password", [password for password in ODD if password != "%41"])
def test_a_password_may_stand_as_it_is(password: str) -> None:
    """B2: unencoded it comes back, too; %XX is decoded."""
    target = parse_url(f"postgresql://u:{password}@h/d?pool_max=2")

    assert (password, "h", "d") == tuple(target.conninfo[name] for name in ("password", "host", "dbname"))
    assert 2 == target.pool_max
    assert "A" == parse_url("postgresql://u:%41@h/d").conninfo["password"]


PLACES: dict[str, dict[str, Any]] = {
    "postgresql://": {},
    "postgres://h": {"host": "h"},
    "postgresql://u@h/d": {"user": "u", "host": "h", "dbname": "d"},
    "postgresql://u:@h/d": {"user": "u", "password": "", "host": "h", "dbname": "d"},
    "postgresql:///d": {"dbname": "d"},
    "postgresql://[::1]:5433/d": {"host": "::1", "port": "5433", "dbname": "d"},
    "postgresql://[fe80::1]/d": {"host": "fe80::1", "dbname": "d"},
    "postgresql://%2Frun%2Fpg/d": {"host": "/run/pg", "dbname": "d"},
    "postgresql:///d?host=/run/pg&port=5433": {"host": "/run/pg", "port": "5433", "dbname": "d"},
    "postgresql://a:1,b:2/d?target_session_attrs=read-write": {
        "host": "a,b", "port": "1,2", "dbname": "d", "target_session_attrs": "read-write",
    },
}  # fmt: skip


@pytest.mark.parametrize("url", PLACES)
def test_places(url: str) -> None:
    """B3: without port or password, with IPv6, a socket directory or several hosts."""
    assert PLACES[url] == parse_url(url).conninfo


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:secret@h:x/d", "postgresql://u:secret@h:99999/d", "postgresql://u:secret@[::1/d",
        "postgresql://u:secret@h/d?sslmode=maybe", "postgresql://u:secret@h/d?port=0", "postgresql://u:secret@h/d?pool=1",
        "postgresql://u:secret@h/d?pool_max=0", "postgresql://u:secret@h/d?pool_max=many", "postgresql://u:secret@h/d?timeout_s=-1",
        "postgresql://u:secret@h/d?timeout_s=nan", "postgresql://u:secret@h/d?prepare=maybe",
        "sqlite:///x.db?sslmode=require", "sqlite:///x.db?mode=ro", "x\0.db",
    ],
)  # fmt: skip
def test_mistakes_are_told(url: str) -> None:
    """B3: a clear error, and no password in it."""
    with pytest.raises(SettingsError) as caught:
        parse_url(url)

    assert str(caught.value)
    assert "secret" not in f"{caught.value} {caught.value.hint} {caught.value.__cause__} {caught.value.__context__}"


def test_the_direct_url() -> None:
    """Migrations go around the pooler, into the same schema; its password is not shown either."""
    target = parse_url("postgresql://u:p@pool:6432/d?schema=s&tenant=t&direct_url=postgresql://o:se%2Bcret+@h:5432/d")
    direct = target.direct

    assert {"user": "o", "password": "se+cret+", "host": "h", "port": "5432", "dbname": "d"} == direct.conninfo
    assert ("s", "t") == (direct.schema, direct.tenant)
    assert "cret" not in f"{target!r} {target}"
    assert parse_url("postgresql://h/d").direct == parse_url("postgresql://h/d")


@pytest.mark.parametrize("password", ODD)
def test_an_odd_password_logs_in(postgres_server: Server, password: str) -> None:
    """B2: PostgreSQL gets the very password of the URL."""
    with postgres_server.connect() as admin:
        role = sql.Identifier("odd")
        admin.execute(
            sql.SQL("DROP ROLE IF EXISTS {0}; CREATE ROLE {0} LOGIN PASSWORD {1}").format(role, sql.Literal(password))
        )
    url = f"postgresql://odd:{quote(password, safe='')}@{postgres_server.host}:{postgres_server.port}/postgres"
    target = parse_url(url)
    with psycopg.connect(**target.conninfo) as connection:
        row = connection.execute("SELECT current_user").fetchone()

    assert ("odd",) == row


def test_the_socket_directory(postgres_server: Server, pg_database: str) -> None:
    """B3: a database is reached through its socket."""
    user, password = postgres_server.users["app"], postgres_server.passwords["app"]
    place = f"{quote(str(postgres_server.directory), safe='')}:{postgres_server.port}"
    with aiconsql.connect(f"postgresql://{user}:{password}@{place}/{pg_database}") as db:
        assert [] == db.aicons.list()
