"""A forked child and what its parent had open."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from typing import Any

import pytest

import aiconsql

pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


def in_child(function: Callable[[], object]) -> str:
    """What the function returns in a forked process, as text, or its error."""
    reader, writer = os.pipe()
    if (pid := os.fork()) == 0:
        try:
            said = str(function())
        except BaseException:  # noqa: BLE001 - the parent shows it
            said = traceback.format_exc()
        os.write(writer, said.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as stream:
        said = stream.read()
    os.waitpid(pid, 0)
    return said


@pytest.fixture
def pg_url(shared_pg_url: str) -> str:
    """A tenant of its own is enough here."""
    return shared_pg_url


@pytest.fixture
def db(url: str) -> Any:
    """The blocking face."""
    with aiconsql.connect(url) as db:
        yield db


def backends(db: Any) -> set[int]:
    """The server processes behind the idle connections; none on SQLite."""
    pool = db._runner.pool
    return {connection.info.backend_pid for _, connection in pool.idle._kept} if hasattr(pool, "idle") else set()


def test_a_child_opens_its_own(db: Any) -> None:
    """B120: both go on with the database, each on connections of its own."""
    db.aicons.save(aiconsql.AIcon("parent", id="parent"))
    tenant = db.for_tenant("beta")
    mine = backends(db)

    def child() -> object:
        db.aicons.save(aiconsql.AIcon("child", id="child"))
        tenant.aicons.save(aiconsql.AIcon("child", id="child"))
        late = db.for_tenant("gamma")
        late.aicons.save(aiconsql.AIcon("child", id="child"))
        shared = backends(db) & mine
        db.close()
        return shared or "own"

    assert "own" == in_child(child)
    assert ["child", "parent"] == sorted(aicon.id for aicon in db.aicons.list())
    assert mine == backends(db)
    assert ["child"] == [aicon.id for aicon in db.for_tenant("gamma").aicons.list()]


def test_a_child_cannot_use_the_transaction(db: Any) -> None:
    """B120: an error at once, and leaving the block in the child neither commits nor undoes the parent's."""

    def child() -> object:
        with pytest.raises(aiconsql.Misuse, match="another thread or process"):
            tx.aicons.save(aiconsql.AIcon("child", id="child"))
        with pytest.raises(aiconsql.Misuse, match="another thread or process"):
            outer.__exit__(None, None, None)
        return "refused"

    outer = db.transaction()
    with outer as tx:
        tx.aicons.save(aiconsql.AIcon("parent", id="parent"))
        said = in_child(child)
        tx.aicons.save(aiconsql.AIcon("second", id="second"))

    assert "refused" == said
    assert ["parent", "second"] == sorted(aicon.id for aicon in db.aicons.list())


def test_a_child_that_raises_leaves_the_transaction_alone(db: Any) -> None:
    """B120: an exception that passes through the block in the child undoes nothing of the parent's."""

    def child() -> object:
        outer.__exit__(LookupError, LookupError("child"), None)
        return "left"

    outer = db.transaction()
    with outer as tx:
        tx.aicons.save(aiconsql.AIcon("parent", id="parent"))
        in_child(child)
        tx.aicons.save(aiconsql.AIcon("second", id="second"))

    assert ["parent", "second"] == sorted(aicon.id for aicon in db.aicons.list())


def test_memory_does_not_follow() -> None:
    """A database in memory says so in a child, instead of being empty."""
    with aiconsql.connect("sqlite://") as db:

        def child() -> object:
            with pytest.raises(aiconsql.Misuse, match="in memory"):
                db.aicons.list()
            return "refused"

        assert "refused" == in_child(child)
        assert [] == db.aicons.list()


@pytest.mark.asyncio
async def test_an_async_database_says_so_in_a_child(url: str) -> None:
    """B120: it belongs to the parent's loop."""
    import asyncio

    async with aiconsql.aconnect(url) as db:
        await db.aicons.save(aiconsql.AIcon("parent", id="parent"))

        def child() -> object:
            async def use() -> None:
                with pytest.raises(aiconsql.Misuse, match="outside the event loop"):
                    await db.aicons.list()

            asyncio.run(use())
            return "refused"

        assert "refused" == in_child(child)
        assert ["parent"] == [aicon.id for aicon in await db.aicons.list()]
