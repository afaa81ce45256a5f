"""B126: a password of a URL is in no message, log, repr or traceback, whatever fails."""

from __future__ import annotations

import asyncio
import logging
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, cast
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql

import aiconsql
from aiconsql.testing import Server
from aiconsql.testing.machine import free_port
from tests.faces import Face
from tests.servers.wire import Wire

PASSWORD = "hun/ter@2:{%}é"


@pytest.fixture(scope="module")
def secret_url(postgres_server: Server) -> Iterator[str]:
    """The URL of a role with an odd password, for a migrated database."""
    name = postgres_server.create_database()
    aiconsql.initialize_database(postgres_server.url(name, role="owner"))
    with postgres_server.connect() as admin:
        text = "CREATE ROLE odd_secret LOGIN PASSWORD {} IN ROLE {}"
        admin.execute(sql.SQL(text).format(sql.Literal(PASSWORD), sql.Identifier(postgres_server.users["app"])))
        yield f"postgresql://odd_secret:{quote(PASSWORD, safe='')}@{postgres_server.host}:{postgres_server.port}/{name}"
        postgres_server.drop_database(name)
        admin.execute("DROP ROLE odd_secret")


@pytest.fixture
def url(secret_url: str) -> str:
    """One database for all of these."""
    return secret_url


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder) -> Callable[[Any], str]:
    """What an object or error tells, with every log record and warning so far."""
    caplog.set_level(logging.DEBUG)

    def tell(thing: Any) -> str:
        said = [repr(thing), str(thing), *(f"{record.getMessage()} {record.args}" for record in caplog.records)]
        said += [str(warning.message) for warning in recwarn]
        if isinstance(thing, BaseException):
            said += traceback.format_exception(thing)
            said += [str(getattr(thing, "hint", "")), repr(vars(thing))]
        return "\n".join(said)

    return tell


def is_hidden(text: str) -> bool:
    """Whether the password is in it neither as it is nor in a piece or encoded."""
    return not any(piece in text for piece in (PASSWORD, quote(PASSWORD, safe=""), "hun", "ter@2"))


def failures(connect: Callable[..., Any], url: str, wire: Wire) -> dict[str, Callable[[], Any]]:
    """Every kind of failure."""

    def cut() -> None:
        db = connect(wire.url(url))
        wire.cut_before_reply()
        db.aicons.save(aiconsql.AIcon("Ada"))

    def gone() -> None:
        db = connect(f"{wire.url(url)}?timeout_s=0.3")
        wire.refuse()
        wire.cut()
        try:
            db.aicons.list()
        finally:
            wire.heal()

    def busy() -> None:
        db = connect(f"{url}?pool_max=1&timeout_s=0.2")
        with db.transaction() as tx:
            tx.aicons.list()
            db.aicons.list()

    def closed() -> None:
        db = connect(url)
        db.close()
        db.aicons.list()

    port = url.rpartition("/")[0].rpartition(":")[2]
    return {
        "unreachable": lambda: connect(url.replace(f":{port}/", f":{free_port()}/")),
        "wrong password": lambda: connect(url.replace("@", "x@")),
        "unknown database": lambda: connect(url.rpartition("/")[0] + "/nowhere"),
        "unknown scheme": lambda: connect(url.replace("postgresql", "mysql")),
        "bad parameter": lambda: connect(f"{url}?pool=1"),
        "bad value": lambda: connect(f"{url}?pool_max=x"),
        "bad port": lambda: connect(url.replace(f":{port}/", ":x/")),
        "bad sslmode": lambda: connect(f"{url}?sslmode=hm"),
        "no certificate": lambda: connect(f"{url}?sslmode=verify-full&sslrootcert=/nowhere"),
        "unmigrated": lambda: connect(url, schema="nowhere"),
        "not the owner": lambda: aiconsql.initialize_database(url, schema="elsewhere"),
        "bad direct url": lambda: connect(
            f"{url}?direct_url={quote(url.replace('postgresql', 'mysql'), safe='')}"
        ).migrate(),
        "cut": cut,
        "gone": gone,
        "busy": busy,
        "closed": closed,
    }


@pytest.mark.parametrize("name", failures(print, "", cast("Wire", None)))
def test_failures_hide_it(
    name: str, connect: Callable[..., Any], url: str, wire: Wire, told: Callable[[Any], str]
) -> None:
    """B126: in no message, cause, context, traceback, log or warning."""
    with pytest.raises(aiconsql.AiconsqlError) as caught:
        failures(connect, url, wire)[name]()

    assert is_hidden(told(caught.value))


def test_objects_hide_it(connect: Callable[..., Any], url: str, told: Callable[[Any], str]) -> None:
    """B126: neither repr nor str of databases, targets, pools, runners and connections shows it."""
    db = connect(url)
    db.aicons.list()
    real = db._target if isinstance(db, Face) else db
    pool = real._runner.pool
    things = [real, real._target, real._settings, real._runner, pool, pool.idle, *(c for _, c in pool.idle._kept)]

    assert all(is_hidden(told(thing)) for thing in things)


def test_an_environment_variable_hides_it(
    monkeypatch: pytest.MonkeyPatch, url: str, told: Callable[[Any], str]
) -> None:
    """B126: a URL from the environment is as secret."""
    monkeypatch.setenv("AICONSQL_URL", url.replace("postgresql", "mysql"))
    with pytest.raises(aiconsql.SettingsError) as caught:
        aiconsql.connect()

    assert is_hidden(told(caught.value))


def test_a_forgotten_database_hides_it(url: str, told: Callable[[Any], str]) -> None:
    """B126: Python's warnings about what nobody closed do not show it either."""
    import gc

    with warnings.catch_warnings(record=True) as caught, suppress(psycopg.Error):
        warnings.simplefilter("always")

        async def forget() -> None:
            db = await aiconsql.aconnect(url)
            await db.aicons.list()

        asyncio.run(forget())
        gc.collect()

    assert all(is_hidden(str(warning.message)) for warning in caught)
    assert is_hidden(told(None))
