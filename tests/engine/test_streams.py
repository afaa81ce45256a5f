"""Streams: pages of their own, nothing held in between."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

import aiconsql


@pytest.fixture
def pg_url(shared_pg_url: str) -> str:
    """A tenant of its own is enough here."""
    return shared_pg_url


@pytest.fixture
def many(db: Any) -> list[str]:
    """Seven stored AIcons, the last changed first."""
    for i in range(7):
        db.aicons.save(aiconsql.AIcon("Ada", "odd" if i % 2 else "even", id=f"aicon{i}"))
    return [f"aicon{i}" for i in reversed(range(7))]


@pytest.mark.parametrize("page", [1, 2, 3, 7, 100])
def test_all_pages_come_in_order(db: Any, many: list[str], page: int) -> None:
    """Whatever the size of a page, each comes once."""
    assert many == [summary.id for summary in db.aicons.each(page=page)]
    assert many[::2] == [summary.id for summary in db.aicons.each(aicon_type="even", page=page)]


def test_a_stream_runs_inside_a_transaction(db: Any, many: list[str]) -> None:
    """It sees what the transaction wrote."""
    with db.transaction() as tx:
        tx.aicons.save(aiconsql.AIcon("Ada", id="latest"))
        found = [summary.id for summary in tx.aicons.each(page=2)]

    assert ["latest", *many] == found


def test_writes_go_on_while_the_caller_thinks(db: Any, many: list[str]) -> None:
    """No lock and no transaction is held between two values: on SQLite, too, the same thread can write."""
    seen = []
    for summary in db.aicons.each(page=2):
        seen.append(summary.id)
        db.aicons.delete(summary.id)

    assert many == seen
    assert [] == db.aicons.list()


def test_a_stream_that_is_left_holds_nothing(url: str, sqlite_url: str) -> None:
    """Its connection is back in the pool after each page; the generator is closed with it."""
    with aiconsql.connect(f"{url}?pool_max=1&timeout_s=0.5" if url != sqlite_url else url) as db:
        for i in range(4):
            db.aicons.save(aiconsql.AIcon("Ada", id=f"aicon{i}"))
        left = [iter(db.aicons.each(page=1)) for _ in range(9)]
        for stream in left:
            next(stream)

        assert 4 == len(list(db.aicons.each(page=1)))
        for stream in left:
            stream.close()  # type: ignore[attr-defined]


@pytest.mark.asyncio
async def test_an_async_stream_that_is_left_holds_nothing(url: str) -> None:
    """The same for tasks."""
    async with aiconsql.aconnect(url) as db:
        for i in range(4):
            await db.aicons.save(aiconsql.AIcon("Ada", id=f"aicon{i}"))
        left = [aiter(db.aicons.each(page=1)) for _ in range(9)]
        for stream in left:
            await anext(stream)

        assert 4 == len([summary async for summary in db.aicons.each(page=1)])
        for stream in left:
            await stream.aclose()  # type: ignore[attr-defined]


@pytest.mark.asyncio
async def test_streams_are_iterators(sqlite_url: str) -> None:
    """An iterator on one face, an asynchronous one on the other."""
    async with aiconsql.aconnect(sqlite_url) as adb:
        assert isinstance(adb.aicons.each(), AsyncIterator)


def test_streams_are_blocking_iterators(sqlite_url: str) -> None:
    """On the blocking face."""
    with aiconsql.connect(sqlite_url) as db:
        assert isinstance(db.aicons.each(), Iterator)
