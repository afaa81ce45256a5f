"""One test body on both faces: what is asynchronous is called as if it were not."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from types import TracebackType
from typing import Any, Self

import pytest

from tests.faces import Loop


class Store:
    """Stands for a store: it is of our package and has coroutines."""

    __module__ = "aiconsql.example"

    def __init__(self) -> None:
        self.tasks: list[asyncio.Task[Any] | None] = []

    async def load(self, name: str) -> str:
        self.tasks.append(asyncio.current_task())
        await asyncio.sleep(0)
        return name

    async def fail(self) -> None:
        raise LookupError("told")

    async def meet(self, barrier: asyncio.Barrier) -> int:
        return await barrier.wait()

    async def pages(self) -> AsyncIterator[int]:
        try:
            for page in range(3):
                yield page
        finally:
            self.tasks.append(None)


class Database:
    """Stands for the asynchronous face: a loop's own, with units of work that belong to one task."""

    __module__ = "aiconsql.example"
    url = "example://"

    def __init__(self) -> None:
        self.store = Store()
        self.unit: asyncio.Task[Any] | None = None
        self.left_with: type[BaseException] | None = None

    async def __aenter__(self) -> Self:
        self.unit = asyncio.current_task()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.left_with = kind
        assert self.unit is asyncio.current_task()

    def transaction(self) -> Database:
        asyncio.get_running_loop()
        return self

    async def attempts(self, function: Callable[[Database], Awaitable[str]]) -> str:
        self.unit = asyncio.current_task()
        return await function(self)


@pytest.fixture
def database() -> Database:
    """The asynchronous object itself."""
    return Database()


@pytest.fixture
def loop() -> Iterator[Loop]:
    """A private loop."""
    with Loop() as loop:
        yield loop


@pytest.fixture
def db(loop: Loop, database: Database) -> Any:
    """Its blocking face."""
    return loop.face(database)


def test_a_coroutine_is_run(db: Any) -> None:
    """A value comes back, an error is raised, and plain attributes are as they are."""
    assert "a" == db.store.load("a")
    assert "example://" == db.url
    with pytest.raises(LookupError, match="told"):
        db.store.fail()


def test_one_thread_is_one_task(db: Any, database: Database) -> None:
    """What belongs to a task is met again by the next call of the same thread, and by no other's."""
    db.store.load("a")
    db.store.load("b")
    other = threading.Thread(target=db.store.load, args=["c"])
    other.start()
    other.join()
    one, two, three = database.store.tasks

    assert one is two
    assert one is not three


def test_threads_are_concurrent(db: Any, loop: Loop) -> None:
    """Three threads wait for each other inside the loop."""
    barrier = loop.call(lambda: asyncio.Barrier(3))
    met: list[int] = []
    threads = [threading.Thread(target=lambda: met.append(db.store.meet(barrier))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)

    assert [0, 1, 2] == sorted(met)


def test_a_transaction_is_one_task(db: Any, database: Database) -> None:
    """Entered, used and left in the same task, on a block that ends well and one that raises."""
    with db.transaction() as tx:
        tx.store.load("a")
    assert database.left_with is None
    assert [database.unit] == database.store.tasks

    with pytest.raises(ZeroDivisionError), db.transaction():
        _ = 1 / 0
    assert ZeroDivisionError is database.left_with


def test_a_stream_is_iterated(db: Any, database: Database) -> None:
    """To its end, or left before it, when it is closed."""
    assert [0, 1, 2] == list(db.store.pages())
    database.store.tasks.clear()
    pages = iter(db.store.pages())
    assert 0 == next(pages)
    pages.close()

    assert [None] == database.store.tasks


def test_attempts_take_a_blocking_function(db: Any, database: Database) -> None:
    """Its calls run in the task that attempts."""

    def unit(tx: Any) -> str:
        return str(tx.store.load("a"))

    assert "a" == db.attempts(unit)
    assert [database.unit] == database.store.tasks
