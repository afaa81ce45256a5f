"""Pools: never more connections than allowed, never a hang, and on again after a failure."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import psycopg
import pytest

import aiconsql
from aiconsql.engine.operation import Op, Query
from aiconsql.testing import Installation, Server
from tests.faces import Face
from tests.servers.wire import Wire

READ = {"name": "", "after_id": "", "limit_n": 1}


def runner(db: Any) -> Any:
    """What runs the operations of a database of either face."""
    return (db._target if isinstance(db, Face) else db)._runner


def brief(db: Any, **times: float) -> None:
    """Give a database short timeouts."""
    runner(db).session = replace(runner(db).session, **times)


def agent(id: str = "ada") -> aiconsql.AIcon:
    """An AIcon with nothing in it."""
    return aiconsql.AIcon("Ada", id=id)


@pytest.fixture
def pg_url(shared_pg_url: str) -> str:
    """A tenant of its own is enough here."""
    return shared_pg_url


@pytest.fixture
def url(pg_url: str) -> str:
    """These tests are about PostgreSQL's pools, but for those that ask for sqlite_url."""
    return pg_url


@pytest.fixture(scope="module")
def own(postgres_installation: Installation | None) -> Iterator[Server]:
    """A server that may be stopped; it runs when a test begins."""
    with Server(postgres_installation) as server:
        yield server


@pytest.fixture
def own_url(own: Server) -> Iterator[str]:
    """A migrated database on it."""
    own.start()
    name = own.create_database()
    aiconsql.initialize_database(own.url(name, role="owner"))
    yield own.url(name)
    own.start()


def test_ten_times_as_many_threads(pg_url: str) -> None:
    """B107: 40 threads share 4 connections; afterwards 4 lie idle."""
    with aiconsql.connect(f"{pg_url}?pool_max=4") as db:
        barrier = threading.Barrier(40)

        def work(n: int) -> int:
            barrier.wait()
            for turn in range(3):
                db.aicons.save(agent(f"{n}.{turn}"))
            return len(db.aicons.list(limit=1_000))

        with ThreadPoolExecutor(40) as threads:
            counts = list(threads.map(work, range(40)))

        assert 120 == max(counts)
        assert 4 == len(db._runner.pool.idle)
        assert 4 == db._runner.pool._slots._value


@pytest.mark.asyncio
async def test_ten_times_as_many_tasks(pg_url: str) -> None:
    """B107: 40 tasks share 4 connections; afterwards 4 lie idle."""
    async with aiconsql.aconnect(f"{pg_url}?pool_max=4") as db:

        async def work(n: int) -> int:
            for turn in range(3):
                await db.aicons.save(agent(f"{n}.{turn}"))
            return len(await db.aicons.list(limit=1_000))

        counts = await asyncio.gather(*map(work, range(40)))

        assert 120 == max(counts)
        assert 4 == len(db._runner.pool.idle)


def test_writers_of_a_file_queue(sqlite_url: str) -> None:
    """B107: 40 threads and then 40 tasks on one SQLite file: all are served, one after the other."""
    with aiconsql.connect(sqlite_url) as db, ThreadPoolExecutor(40) as threads:
        list(threads.map(lambda n: db.aicons.save(agent(f"thread{n}")), range(40)))
        assert 1 == len(db._runner.pool._writers)

    async def tasks() -> int:
        async with aiconsql.aconnect(sqlite_url) as db:
            await asyncio.gather(*(db.aicons.save(agent(f"task{n}")) for n in range(40)))
            return len(await db.aicons.list())

    assert 80 == asyncio.run(tasks())


def test_none_is_free(connect: Callable[..., Any], pg_url: str) -> None:
    """B107: who gets none within the timeout is told Unavailable, the pool and the timeout."""
    db = connect(f"{pg_url}?pool_max=1&timeout_s=0.3")
    with db.transaction() as tx:
        tx.aicons.save(agent())
        begun = time.monotonic()
        with pytest.raises(aiconsql.Unavailable, match=r"pool of 1 was free within 0\.3 s") as caught:
            db.aicons.list()
        took_s = time.monotonic() - begun

    assert 0.25 < took_s < 1
    assert "pool_max" in str(caught.value.hint)
    assert 1 == len(db.aicons.list())


def test_restart_between_two_calls(connect: Callable[..., Any], own: Server, own_url: str) -> None:
    """B106: the dead connections are found before anything is sent; reads and writes go on."""
    db = connect(own_url)
    db.aicons.save(agent("before"))
    own.restart()
    db.aicons.save(agent("after"))
    own.restart()

    assert 2 == len(db.aicons.list())


def test_restart_while_idle_connections_are_many(own: Server, own_url: str) -> None:
    """B106: each thread's first call after a restart succeeds."""
    with aiconsql.connect(f"{own_url}?pool_max=8") as db, ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda n: db.aicons.save(agent(f"a{n}")), range(64)))
        own.restart()
        list(threads.map(lambda n: db.aicons.save(agent(f"b{n}")), range(64)))

        assert 128 == len(db.aicons.list(limit=1_000))


def test_a_stopped_server(connect: Callable[..., Any], own: Server, own_url: str) -> None:
    """B106: Unavailable within the timeout, and on again as soon as it is back."""
    db = connect(f"{own_url}?timeout_s=0.5")
    db.aicons.save(agent())
    own.stop()
    begun = time.monotonic()
    for call in (db.aicons.list, lambda: db.aicons.save(agent("other"))):
        with pytest.raises(aiconsql.Unavailable, match="connection"):
            call()
    took_s = time.monotonic() - begun
    own.start()

    assert took_s < 3
    assert 1 == len(db.aicons.list())


def test_a_server_that_comes_back_while_waiting(connect: Callable[..., Any], own: Server, own_url: str) -> None:
    """B106: a call made during a restart waits for it."""
    db = connect(own_url)
    db.aicons.save(agent())
    own.stop()
    starting = threading.Thread(target=own.start)
    starting.start()

    assert 1 == len(db.aicons.list())
    starting.join()


@pytest.fixture
def wired(connect: Callable[..., Any], wire: Wire, pg_url: str) -> Any:
    """A database behind a wire, with short timeouts."""
    db = connect(wire.url(f"{pg_url}?timeout_s=2"))
    brief(db, statement_timeout_s=0.3, lock_timeout_s=0.2)
    return db


def test_a_blackhole_on_an_open_connection(wired: Any, wire: Wire) -> None:
    """B106: a server that vanished without a word ends a read as Unavailable and a write as OutcomeUnknown, in time."""
    wired.aicons.list()
    wire.blackhole()
    begun = time.monotonic()
    with pytest.raises(aiconsql.Unavailable, match=r"no sign of life from the server for 0\.5 s"):
        wired.aicons.list()
    took_s = time.monotonic() - begun
    wire.heal()
    wired.aicons.list()
    wire.blackhole()
    with pytest.raises(aiconsql.OutcomeUnknown, match="after the write was sent"):
        wired.aicons.save(agent())

    assert took_s < 3
    wire.heal()
    assert [] == wired.aicons.list()


def test_a_blackhole_in_a_transaction(wired: Any, wire: Wire) -> None:
    """B106: before COMMIT nothing is unknown: Unavailable, and nothing is kept."""
    with pytest.raises(aiconsql.Unavailable, match="no sign of life"), wired.transaction() as tx:  # noqa: PT012 - a block is what fails
        tx.aicons.save(agent())
        wire.blackhole()
        tx.aicons.list()
    wire.heal()

    assert [] == wired.aicons.list()


def test_a_blackhole_while_connecting(wire: Wire, pg_url: str) -> None:
    """B106: connecting ends in time, too."""
    wire.blackhole()
    begun = time.monotonic()
    with pytest.raises(aiconsql.Unavailable, match="timeout"):
        aiconsql.connect(wire.url(f"{pg_url}?timeout_s=1"))

    assert time.monotonic() - begun < 5


def test_a_slow_server_is_not_a_dead_one(wired: Any, wire: Wire) -> None:
    """What still moves is waited for: a large save over a slow wire takes longer than the timeouts."""
    import numpy as np

    aicon = agent()
    aicon.brain = {"weights": np.random.default_rng(1).random(400_000)}
    wire.delay_s = 0.2
    assert 1 == wired.aicons.save(aicon)


def test_lost_before_anything_was_kept_is_tried_again(wired: Any, wire: Wire) -> None:
    """B106: a connection that dies in a read, or in an unfinished transaction, costs only another attempt."""
    wired.aicons.save(agent())
    wire.cut_before_reply()
    assert 1 == len(wired.aicons.list())

    def two_steps() -> Op[int]:
        yield Query("aicons.touch", {"id": "ada", "iterations": 1, "start_time": None, "last_update_time": None})
        rows = yield Query("aicons.find_by_name", {**READ, "name": "Ada"}, last=True)
        return int(rows[0]["iterations"])

    wire.cut_before_reply()
    assert 1 == wired.run(two_steps)
    assert 2 == wired.aicons.load("ada").version


def test_a_changed_schema_is_met_again(postgres_server: Server, pg_database: str, pg_owner_url: str) -> None:
    """A migration that changes the type of a column under a prepared statement costs only another attempt."""
    url = postgres_server.url(pg_database)
    with aiconsql.connect(url) as db, psycopg.connect(pg_owner_url, autocommit=True) as owner:
        db.aicons.save(agent())
        db.aicons.list()
        owner.execute("ALTER TABLE aicons ALTER COLUMN name TYPE varchar(99)")

        assert 1 == len(db.aicons.list())


FIRST = """
import sys, threading, time, aiconsql, aiconsql.database
def work():
    time.sleep(max(0, begin - time.time()))
    with aiconsql.connect(sys.argv[1]) as db:
        db.aicons.list()
    done.append(1)
done, threads = [], [threading.Thread(target=work) for _ in range(25)]
print("ready", flush=True)
begin = float(sys.stdin.read())
for thread in threads: thread.start()
for thread in threads: thread.join()
print(len(done))
"""


def test_first_connections_to_a_new_file(sqlite_url: str) -> None:
    """B105: 200 at once, from 8 processes: all succeed, and each migration ran once."""
    with ExitStack() as stack:
        command = [sys.executable, "-c", FIRST, sqlite_url]
        processes = [
            stack.enter_context(subprocess.Popen(command, stdin=-1, stdout=-1, stderr=-1, text=True)) for _ in range(8)
        ]
        for process in processes:
            assert process.stdin
            assert process.stdout
            assert "ready\n" == process.stdout.readline()
        begin = time.time() + 0.3
        for process in processes:
            process.stdin.write(f"{begin}")  # type: ignore[union-attr]
            process.stdin.close()  # type: ignore[union-attr]
        said = [(process.stdout.read(), process.stderr.read()) for process in processes]  # type: ignore[union-attr]
    with aiconsql.connect(sqlite_url) as db:
        applied = [row["migration_id"] for row in db.query("migrations.find_applied")]

    assert [("25\n", "")] * 8 == said
    assert len(set(applied)) == len(applied)
    assert applied
