"""The async runner: carries operations out and awaits."""

from __future__ import annotations

import asyncio
import copy
import os
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from aiconsql.errors import AiconsqlError, Misuse

from .blocking import UNDONE, single
from .operation import Awaiting, Emit, Op, Stream
from .telemetry import measured
from .unit import ATTEMPTS, Again, Session, Step, Undos, pause_before_retry, steps

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

T = TypeVar("T")


class AwaitingUnit(Protocol):
    """One unit of work on one connection."""

    fresh: bool
    """The next step is an operation's first."""
    sound: bool
    """No step failed."""

    async def step(self, step: Step, *, last: bool) -> list[Any]:
        """Run the queries of a step; with `last`, commit."""

    async def rollback(self) -> None:
        """Undo what was not committed."""


class AwaitingPool(Protocol):
    """Where connections come from."""

    system: str

    async def drive(self, session: Session, run: Any, step: Step, *, reads: bool) -> Any:
        """Carry a whole unit out from its first step on; its value."""

    def transaction(self, session: Session) -> AbstractAsyncContextManager[AwaitingUnit]:
        """A unit that the caller holds open."""

    async def close(self) -> None:
        """Close the connections."""


async def drive(unit: AwaitingUnit, run: Any, step: Step, *, commit: bool) -> Any:
    """Carry `run` (see `steps`) out from its first `step` on; its value."""
    unit.fresh = True
    try:
        while True:
            unit.sound = False
            try:
                replies = await unit.step(step, last=step.last and commit)
            except AiconsqlError as error:
                step = run.throw(error)
            else:
                unit.sound = True
                step = run.send(replies)
    except StopIteration as stop:
        if commit and not step.last:
            await unit.step(Step((), last=True), last=True)
        return stop.value


async def attempts(once: Callable[[], Awaitable[T]]) -> T:
    """Call `once` until it is not undone by others, a few times.

    Raises:
        Unavailable: it was undone each time.
    """
    for attempt in range(1, ATTEMPTS):
        try:
            return await once()
        except Again:
            await asyncio.sleep(pause_before_retry(attempt))
    try:
        return await once()
    except Again as error:
        raise error.given_up() from error.__cause__


class AwaitingRunner(Awaiting):
    """Runs each operation in a unit of its own, for the tasks of the event loop it was made in."""

    def __init__(self, pool: AwaitingPool, session: Session) -> None:
        self.pool, self.session = pool, session
        self._home = (os.getpid(), asyncio.get_running_loop())

    def for_tenant(self, tenant: str) -> AwaitingRunner:
        """The same connections and the same event loop, for another tenant."""
        runner = copy.copy(self)
        runner.session = replace(self.session, tenant=tenant)
        return runner

    async def run(self, make: Callable[[], Op[T]], *, reads: bool = False) -> T:
        """Run the operation that `make` makes, afresh for each attempt."""
        self.check_home()
        return await attempts(lambda: self._once(make, reads=reads))

    async def _once(self, make: Callable[[], Op[T]], *, reads: bool) -> T:
        undos = Undos()
        run = steps(make(), undos)
        try:
            step = next(run)
        except StopIteration as stop:
            return cast("T", stop.value)  # nothing to ask the database
        with measured(self.pool.system, step), undos.on_error():
            return cast("T", await self.pool.drive(self.session, run, step, reads=reads))

    def iterate(self, make: Callable[[], Stream[T]]) -> AsyncIterator[T]:
        """Run a stream: each of its queries is a unit of its own."""
        return pages(self, make())

    def check_home(self) -> None:
        """Raise Misuse in another process or event loop than the one this was made in."""
        if self._home != (os.getpid(), asyncio.get_running_loop()):
            raise Misuse("an async database was used outside the event loop that opened it; call aconnect() there")

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AwaitingTransactionRunner]:
        """A runner whose operations are one transaction: committed at the end of the block, undone by an exception."""
        self.check_home()
        undos = Undos()
        with undos.on_error():
            async with self.pool.transaction(self.session) as unit:
                runner = AwaitingTransactionRunner(unit, undos, self.pool.system)
                yield runner
                await runner.commit()

    async def close(self) -> None:
        """Close the connections."""
        self.check_home()
        await self.pool.close()


class AwaitingTransactionRunner(Awaiting):
    """Runs operations in one open transaction, for the task that opened it."""

    def __init__(self, unit: AwaitingUnit, undos: Undos, system: str) -> None:
        self._unit, self._undos, self._system = unit, undos, system
        self._owner = (os.getpid(), asyncio.current_task())
        self._over: str | None = None
        self._begun = False

    async def run(self, make: Callable[[], Op[T]], *, reads: bool = False) -> T:
        """Run one operation. An error undoes the transaction as a whole, unless a reading operation raised its own."""
        self._check()
        run = steps(make(), self._undos)
        try:
            step = next(run)
        except StopIteration as stop:
            return cast("T", stop.value)
        self._begun = True
        try:
            with measured(self._system, step):
                return cast("T", await drive(self._unit, run, step, commit=False))
        except BaseException:
            if not (reads and self._unit.sound):
                self._over = UNDONE
                await self._unit.rollback()
            raise

    def iterate(self, make: Callable[[], Stream[T]]) -> AsyncIterator[T]:
        """Run a stream inside the transaction."""
        return pages(self, make())

    def _check(self) -> None:
        if self._owner != (os.getpid(), asyncio.current_task()):
            raise Misuse("a transaction was used by another task or process than the one that opened it")
        if self._over:
            raise Misuse(f"the transaction {self._over}")

    async def commit(self) -> None:
        """Commit what the block did."""
        if self._over == UNDONE:
            raise Misuse("the block went on after an error that had undone its transaction")
        self._check()
        self._over = "is over"
        if self._begun:
            await self._unit.step(Step((), last=True), last=True)


async def pages(runner: Awaiting, stream: Stream[T]) -> AsyncIterator[T]:
    """The emitted values of a stream, asking its queries through `runner`."""
    reply: Any = None
    try:
        while True:
            effect = stream.send(reply)
            reply = None
            if isinstance(effect, Emit):
                yield effect.value
            else:
                query = effect
                reply = await runner.run(lambda: single(query), reads=True)  # noqa: B023 - awaited before the next turn
    except StopIteration:
        return
    finally:
        stream.close()
