"""A server that is killed again and again while many write: what was acknowledged is there, once."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

import aiconsql
from aiconsql.testing import Installation, Server

KILLS = 100 if os.environ.get("AICONSQL_SOAK") else 10
WRITERS = 4
FORK = multiprocessing.get_context("fork")


@dataclass
class Writer:
    """A process that changes its own AIcon and, with the others, a shared one; it notes what was acknowledged."""

    url: str
    log: Path
    number: int
    unknown: int = 0
    failed: int = 0

    def run(self, stop: Event) -> None:
        """Write until told to stop, repeating what failed."""
        with aiconsql.connect(self.url, actor=f"writer{self.number}") as db, self.log.open("w") as log:
            own, shared = aiconsql.AIcon("own", id=f"own{self.number}"), db.aicons.load("shared")
            turn = 0
            while not stop.is_set():
                turn += 1
                own.state["turn"] = turn
                for aicon in (own, shared):
                    aicon.record_update(f"{self.number}.{turn}")
                    self._save(db, aicon)
                log.write(f"{turn}\n")
                log.flush()
            log.write(f"# {self.unknown} unknown, {self.failed} failed\n")

    def _save(self, db: aiconsql.Database, aicon: aiconsql.AIcon) -> None:
        while True:
            try:
                db.aicons.save(aicon)
            except aiconsql.OutcomeUnknown:
                self.unknown += 1
            except aiconsql.Unavailable:
                self.failed += 1
                time.sleep(0.01)
            else:
                return


@pytest.fixture
def durable(postgres_installation: Installation | None) -> Iterator[tuple[Server, str]]:
    """A durable server of this test's own, and a migrated database on it."""
    with Server(postgres_installation, durable=True) as server:
        name = server.create_database()
        aiconsql.initialize_database(server.url(name, role="owner"))
        yield server, name


@pytest.mark.soak
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_server_killed_again_and_again(durable: tuple[Server, str], tmp_path: Path) -> None:
    """B141: every acknowledged write is there, and none is there twice."""
    server, name = durable
    with aiconsql.connect(server.url(name)) as db:
        db.aicons.save(aiconsql.AIcon("shared", id="shared"))
    stop = FORK.Event()
    writers = [Writer(server.url(name), tmp_path / f"{n}", n) for n in range(WRITERS)]
    processes = [FORK.Process(target=writer.run, args=[stop]) for writer in writers]
    for process in processes:
        process.start()
    for kill in range(KILLS):
        time.sleep(0.4 + 0.03 * (kill % 7))
        server.kill()
        server.start()
    time.sleep(0.3)
    stop.set()
    for process in processes:
        process.join(30)

    assert [0] * WRITERS == [process.exitcode for process in processes]
    with aiconsql.connect(server.url(name)) as db:
        turns = [_check_own(db, writer) for writer in writers]
        shared = db.aicons.load("shared")
        sources = [update.source for update in db.aicons.updates("shared")]

    assert sum(turns) == shared.run_stats.iterations == shared.version - 1
    assert len(set(sources)) == len(sources)


def _check_own(db: aiconsql.Database, writer: Writer) -> int:
    """How often this writer wrote; each time is there, once."""
    *turns, failures = writer.log.read_text().splitlines()
    last = int(turns[-1])
    own = db.aicons.load(f"own{writer.number}")
    sources = [update.source for update in db.aicons.updates(own.id, limit=1_000)]
    print(f"writer {writer.number}: {last} writes, {failures.removeprefix('# ')}")

    assert last > KILLS
    assert (last, last, last) == (own.version, own.state["turn"], own.run_stats.iterations)
    assert [f"{writer.number}.{turn}" for turn in range(last, max(last - 1_000, 0), -1)] == sources
    return last
