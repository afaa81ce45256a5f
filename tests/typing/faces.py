"""What the type checkers must infer; nothing here runs. Checked by mypy --strict and pyright."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any, assert_type

from aiconsql import AIcon, AIconSummary, AsyncDatabase, Database, aconnect, connect
from aiconsql.engine.operation import D, Op, Store, operation


def blocking(db: Database) -> None:
    """Values."""
    assert_type(db.aicons.load("ada"), AIcon)
    assert_type(db.aicons.save(AIcon("Ada")), int)
    assert_type(db.aicons.delete("ada"), bool)
    assert_type(db.aicons.list(aicon_type="base", limit=3), list[AIconSummary])
    assert_type(db.aicons.update_factor("ada", "rate", 0.5), int)
    assert_type(db.aicons.each(page=10), Iterator[AIconSummary])
    assert_type(db.for_tenant("beta").aicons.load("ada"), AIcon)
    with db.transaction() as tx:
        assert_type(tx, Database)
        assert_type(tx.aicons.load("ada"), AIcon)
    assert_type(db.attempts(lambda tx: tx.aicons.load("ada")), AIcon)


async def awaiting(adb: AsyncDatabase) -> None:
    """Coroutines."""
    assert_type(await adb.aicons.load("ada"), AIcon)
    assert_type(await adb.aicons.save(AIcon("Ada")), int)
    assert_type(adb.aicons.each(page=10), AsyncIterator[AIconSummary])
    async with adb.transaction() as tx:
        assert_type(tx, AsyncDatabase)
        assert_type(await tx.aicons.load("ada"), AIcon)
    task = asyncio.create_task(adb.aicons.load("ada"))
    assert_type(task, asyncio.Task[AIcon])
    async with asyncio.TaskGroup() as group:
        assert_type(group.create_task(adb.aicons.load("ada")), asyncio.Task[AIcon])


def running(adb: AsyncDatabase) -> None:
    """A coroutine, not only something that can be awaited."""
    assert_type(asyncio.run(adb.aicons.load("ada")), AIcon)


class Notes(Store[D]):
    """A wing's store: an operation that calls another one."""

    noun = "notes"

    @operation
    def count(self, name: str) -> Op[int]:
        """Count something."""
        rows = yield from self.many("find", name=name)
        assert_type(rows, list[dict[str, Any]])
        return len(rows)

    @operation(reads=True)
    def describe(self, name: str, *, loud: bool = False) -> Op[str]:
        """Compose."""
        n = yield from self.count(name)
        assert_type(n, int)
        return f"{n}{'!' if loud else ''}"


async def composed(db: Database, adb: AsyncDatabase) -> None:
    """A composed operation on both faces."""
    assert_type(Notes(db).describe("a", loud=True), str)
    assert_type(await Notes(adb).describe("a"), str)
    assert_type(asyncio.run(Notes(adb).describe("a")), str)


async def opening() -> None:
    """Connecting."""
    assert_type(connect("x.db"), Database)
    assert_type(await aconnect("x.db"), AsyncDatabase)
    with connect() as db:
        assert_type(db, Database)
    async with aconnect() as adb:
        assert_type(adb, AsyncDatabase)
