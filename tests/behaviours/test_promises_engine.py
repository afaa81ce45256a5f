"""Promises of the engine about what an operation leaves behind, however it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import aiconsql
from aiconsql.engine.dialect.url import parse_url
from tests.engine.test_forks import in_child


def test_failed_operations_give_their_connection_back(connect: Callable[..., Any], url: str) -> None:
    """B107: more operations than connections fail, one after the other, and the next one still gets a connection."""
    db = connect(f"{url}?pool_max=1&timeout_s=1")
    for _ in range(6):
        with pytest.raises(aiconsql.NotFound):
            db.aicons.load("nobody")
        with pytest.raises(aiconsql.NotFound):
            db.aicons.update_factor("nobody", "rate", 1)

    assert [] == db.aicons.list()


@pytest.mark.asyncio
async def test_a_cancelled_save_is_over_when_it_returns(sqlite_url: str) -> None:
    """B104: the thread that wrote has stopped and its connection is back, not a moment later."""
    async with aiconsql.aconnect(sqlite_url) as db:
        aicon = aiconsql.AIcon("Ada", id="ada")
        await db.aicons.save(aicon)
        aicon.brain = {"weights": np.random.default_rng(1).random(4_000_000)}
        task = asyncio.create_task(db.aicons.save(aicon))
        await asyncio.sleep(0)  # back when there is something for the thread to write, for some 100 ms
        await asyncio.sleep(0.02)
        task.cancel()
        await asyncio.wait([task])
        idle = len(db._runner.pool.file._writers)
        loaded = await db.aicons.load("ada")

        assert task.cancelled()
        assert 1 == idle
        assert ({}, 1) == (loaded.brain, loaded.version)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_child_opens_its_own_file(sqlite_url: str) -> None:
    """B120: SQLite, which forbids it, is never asked on a connection that a fork has carried over."""
    with aiconsql.connect(sqlite_url) as db:
        db.aicons.save(aiconsql.AIcon("Ada"))
        db.aicons.list()
        pool = db._runner.pool
        parents = [*pool._writers, *pool._readers]

        def child() -> object:
            db.aicons.save(aiconsql.AIcon("Eve"))
            db.aicons.list()
            return sum(mine is parent for mine in (*pool._writers, *pool._readers) for parent in parents)

        assert "0" == in_child(child)
        assert 2 == len(parents)
        assert 2 == len(db.aicons.list())


def test_the_direct_url_hides_its_password() -> None:
    """B126: the owner's password, with which migrations go around a pooler, is not shown either."""
    target = parse_url("postgresql://app@pool:6432/d?direct_url=postgresql://owner:s3cret@h:5432/d")

    assert "s3cret" == target.direct.conninfo["password"]
    assert "s3cret" not in f"{target!r} {target} {target.direct!r} {target.direct}"
