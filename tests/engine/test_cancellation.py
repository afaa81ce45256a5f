"""Cancelled means cancelled: quickly, whole or not at all, and the connection serves the next."""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import aiconsql
from aiconsql.engine.dialect.postgresql_units import BlockingUnit
from aiconsql.engine.dialect.sqlite_waiting import FairLock, Stop
from aiconsql.engine.operation import Op, Query
from aiconsql.engine.queries import Catalogue, LiteStatement, Statement
from aiconsql.engine.unit import Session
from tests.faces import Face

ROUNDS = 2_000 if os.environ.get("AICONSQL_SOAK") else 150
LITE_SLOW = (
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000000) SELECT max(i) AS i FROM n"
)


@pytest.fixture
def pg_url(shared_pg_url: str) -> str:
    """A tenant of its own is enough here."""
    return shared_pg_url


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Op[Any]]:
    """An operation whose only query takes half a minute on both databases."""
    statement = Statement(
        "test.slow", "", "rows", {}, "SELECT 1 AS i FROM pg_sleep(30)", (("i", "bigint"),),
        (LiteStatement(LITE_SLOW, (), {}),),
    )  # fmt: skip
    known = Catalogue.__getitem__
    monkeypatch.setattr(
        Catalogue, "__getitem__", lambda self, name: statement if name == "test.slow" else known(self, name)
    )

    def op() -> Op[Any]:
        return (yield Query("test.slow", {}, last=True))

    return op


def agent(id: str, turn: int) -> aiconsql.AIcon:
    """An AIcon of some hundred KB whose parts all tell the same turn."""
    aicon = aiconsql.AIcon("Ada", id=id)
    tell(aicon, turn)
    return aicon


def tell(aicon: aiconsql.AIcon, turn: int) -> None:
    """Write the turn everywhere."""
    aicon.state["turn"] = turn
    for i in range(8):
        aicon.add_factor_continuous(
            f"factor{i}", turn, samples=np.full(4_000, turn) + np.random.default_rng(i).random(4_000)
        )


def turns(aicon: aiconsql.AIcon) -> set[float]:
    """The turns that its parts tell."""
    samples = [factor.samples[0] for factor in aicon.factors.values() if factor.samples is not None]
    return {aicon.state["turn"], *(factor.value for factor in aicon.factors.values()), *map(int, samples)}


@pytest.mark.asyncio
@pytest.mark.soak
async def test_cancelled_at_any_moment(url: str, sqlite_url: str) -> None:
    """B104: hundreds of saves cancelled at random: each is whole or absent, and the pool serves the next one."""
    chance = random.Random(5)
    async with aiconsql.aconnect(url if url == sqlite_url else f"{url}?pool_max=1") as db:
        aicon = agent("ada", -1)
        await db.aicons.save(aicon)
        tell(aicon, 0)
        begun = time.perf_counter()
        await db.aicons.save(aicon)
        usual_s = time.perf_counter() - begun
        cancelled = 0
        for turn in range(1, ROUNDS):
            tell(aicon, turn)
            task = asyncio.create_task(db.aicons.save(aicon))
            await asyncio.sleep(chance.uniform(0, usual_s))
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                cancelled += 1
            found = turns(await db.aicons.load("ada"))
            assert len(found) == 1, found
            if not task.cancelled():
                assert {turn} == found
        tell(aicon, ROUNDS)
        await db.aicons.save(aicon)

        assert {ROUNDS} == turns(await db.aicons.load("ada"))
        assert cancelled > ROUNDS / 10
        if url != sqlite_url:
            assert 1 == len(db._runner.pool.idle)


@pytest.mark.asyncio
async def test_a_transaction_cancelled_at_any_moment(url: str, sqlite_url: str) -> None:
    """B104: a cancelled block of several calls is whole or absent, and the next one can begin."""
    chance = random.Random(6)
    async with aiconsql.aconnect(url if url == sqlite_url else f"{url}?pool_max=1") as db:

        async def block(n: int) -> None:
            async with db.transaction() as tx:
                await tx.aicons.save(aiconsql.AIcon(str(n), id=f"a{n}"))
                await tx.aicons.save(aiconsql.AIcon(str(n), id=f"b{n}"))

        await block(0)
        for n in range(1, 100):
            task = asyncio.create_task(block(n))
            await asyncio.sleep(chance.uniform(0, 0.015))
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await block(100)
        names = [aicon.name for aicon in await db.aicons.list(limit=1_000)]

        assert all(names.count(name) == 2 for name in names)
        assert {"0", "100"} <= set(names)


@pytest.mark.asyncio
async def test_a_running_statement_is_interrupted(url: str, slow: Callable[[], Op[Any]]) -> None:
    """B104: a long statement ends with its task, not half a minute later."""
    async with aiconsql.aconnect(url) as db:
        task = asyncio.create_task(db.run(slow, reads=True))
        await asyncio.sleep(0.1)
        begun = time.monotonic()
        task.cancel()
        await asyncio.wait([task])

        assert task.cancelled()
        assert time.monotonic() - begun < 2
        assert [] == await db.aicons.list()


@pytest.mark.asyncio
async def test_waiting_for_the_writer_lock_is_cancelled(sqlite_url: str) -> None:
    """B104: another process holds SQLite's lock, or another task our own: a cancelled wait ends quickly."""
    async with aiconsql.aconnect(sqlite_url) as db:
        other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        waiting = [asyncio.create_task(db.aicons.save(aiconsql.AIcon("Ada"))) for _ in range(3)]
        await asyncio.sleep(0.2)
        begun = time.monotonic()
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)
        took_s = time.monotonic() - begun
        other.close()

        assert took_s < 0.5
        assert all(task.cancelled() for task in waiting)
        assert [] == await db.aicons.list()
        assert 1 == await db.aicons.save(aiconsql.AIcon("Ada"))


def short(db: Any, **times: float) -> None:
    """Give a database of either face short timeouts."""
    runner = (db._target if isinstance(db, Face) else db)._runner
    runner.session = replace(runner.session, **times)


def test_a_statement_ends_in_time(db: Any, slow: Callable[[], Op[Any]]) -> None:
    """B104: after statement_timeout_s it is Unavailable, and the next one works."""
    short(db, statement_timeout_s=0.2)
    begun = time.monotonic()
    with pytest.raises(aiconsql.Unavailable, match=r"test\.slow: the statement took too long"):
        db.run(slow, reads=True)

    assert time.monotonic() - begun < 2
    assert [] == db.aicons.list()


def test_a_lock_is_waited_for_in_time(connect: Callable[..., Any]) -> None:
    """After lock_timeout_s a writer that waits for another one is Unavailable."""
    db, other = connect(), connect()
    short(other, lock_timeout_s=0.2)
    db.aicons.save(aiconsql.AIcon("Ada", id="ada"))
    late = other.aicons.load("ada")
    late.state["late"] = True
    with db.transaction() as tx:
        aicon = tx.aicons.load("ada")
        aicon.state["first"] = True
        tx.aicons.save(aicon)
        begun = time.monotonic()
        with pytest.raises(aiconsql.Unavailable, match=r"busy|not free in time"):
            other.aicons.save(late)
        took_s = time.monotonic() - begun

    assert took_s < 1
    assert {"first": True} == db.aicons.load("ada").state


def test_a_thread_waits_for_its_own_writers_in_time(sqlite_url: str) -> None:
    """A thread that finds another one writing is Unavailable after lock_timeout_s, and is told whose fault it is."""
    with aiconsql.connect(sqlite_url) as db:
        short(db, lock_timeout_s=0.2)
        told: list[Exception] = []

        def save() -> None:
            try:
                db.aicons.save(aiconsql.AIcon("late"))
            except aiconsql.AiconsqlError as error:
                told.append(error)

        with db.transaction() as tx:
            tx.aicons.save(aiconsql.AIcon("first"))
            thread = threading.Thread(target=save)
            thread.start()
            thread.join()

        assert "other writers of this process took 0.2 s" in str(told[0])
        assert 1 == len(db.aicons.list())


def test_an_interrupted_wait_leaves_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while waiting for the writers' lock does not take the lock along."""
    lock = FairLock()
    assert lock.acquire(1, Stop())
    with monkeypatch.context() as patch:
        patch.setattr(threading.Event, "wait", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            lock.acquire(1, Stop())
    lock.release()

    assert lock.acquire(0, Stop())


def test_half_a_pipeline_is_never_committed(pg_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """B104: interrupted between two statements of a step, the Sync that ends the pipeline must not keep the first."""
    with aiconsql.connect(pg_url) as db:
        aicon = agent("ada", 0)
        db.aicons.save(aicon)
        tell(aicon, 1)
        send = BlockingUnit._send
        sent: list[bytes] = []

        def interrupted(self: BlockingUnit, text: bytes, params: Any = None) -> Any:
            sent.append(text)
            if text.startswith(b"UPDATE factors"):
                raise KeyboardInterrupt
            return send(self, text, params)

        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):  # noqa: PT012 - a block is what fails
            patch.setattr(BlockingUnit, "_send", interrupted)
            db.aicons.save(aicon)

        assert any(text.startswith(b"UPDATE aicons") for text in sent)
        assert {0} == turns(db.aicons.load("ada"))
        assert 2 == db.aicons.save(aicon)


def test_timeouts_have_defaults_that_never_hang() -> None:
    """Each statement 30 s, a lock 5 s."""
    session = Session("default", "me")

    assert (30.0, 5.0, 35.0) == (session.statement_timeout_s, session.lock_timeout_s, session.silence_s)
