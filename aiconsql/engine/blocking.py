"""The blocking runner: carries operations out and waits."""

from __future__ import annotations

import os
import sys
import threading
import time
import warnings
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from aiconsql.errors import AiconsqlError, Misuse

from .operation import Blocking, Emit, Op, Query, Stream
from .telemetry import measured
from .unit import ATTEMPTS, Again, Session, Step, Undos, pause_before_retry, steps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")


class Unit(Protocol):
    """One unit of work on one connection."""

    fresh: bool
    """The next step is an operation's first."""
    sound: bool
    """No step failed."""

    def step(self, step: Step, *, last: bool) -> list[Any]:
        """Run the queries of a step; with `last`, commit."""

    def rollback(self) -> None:
        """Undo what was not committed."""


class Pool(Protocol):
    """Where connections come from. After a fork the child's pool begins anew."""

    system: str

    def unit(self, session: Session, *, reads: bool) -> AbstractContextManager[Unit]:
        """A unit that is rolled back unless it was committed."""

    def transaction(self, session: Session) -> AbstractContextManager[Unit]:
        """A unit that the caller holds open."""

    def close(self) -> None:
        """Close the connections."""


def drive(unit: Unit, run: Any, step: Step, *, commit: bool) -> Any:
    """Carry `run` (see `steps`) out from its first `step` on; its value."""
    unit.fresh = True
    try:
        while True:
            unit.sound = False
            try:
                replies = unit.step(step, last=step.last and commit)
            except AiconsqlError as error:
                step = run.throw(error)
            else:
                unit.sound = True
                step = run.send(replies)
    except StopIteration as stop:
        if commit and not step.last:
            unit.step(Step((), last=True), last=True)
        return stop.value


def attempts(once: Callable[[], T]) -> T:
    """Call `once` until it is not undone by others, a few times.

    Raises:
        Unavailable: it was undone each time.
    """
    for attempt in range(1, ATTEMPTS):
        try:
            return once()
        except Again:
            time.sleep(pause_before_retry(attempt))
    try:
        return once()
    except Again as error:
        raise error.given_up() from error.__cause__


class BlockingRunner(Blocking):
    """Runs each operation in a unit of its own."""

    def __init__(self, pool: Pool, session: Session) -> None:
        self.pool, self.session = pool, session

    def for_tenant(self, tenant: str) -> BlockingRunner:
        """The same connections, for another tenant."""
        return BlockingRunner(self.pool, replace(self.session, tenant=tenant))

    def run(self, make: Callable[[], Op[T]], *, reads: bool = False) -> T:
        """Run the operation that `make` makes, afresh for each attempt."""
        _warn_inside_a_loop()
        return attempts(lambda: self._once(make, reads=reads))

    def _once(self, make: Callable[[], Op[T]], *, reads: bool) -> T:
        undos = Undos()
        run = steps(make(), undos)
        try:
            step = next(run)
        except StopIteration as stop:
            return cast("T", stop.value)  # nothing to ask the database
        with measured(self.pool.system, step), undos.on_error(), self.pool.unit(self.session, reads=reads) as unit:
            return cast("T", drive(unit, run, step, commit=True))

    def iterate(self, make: Callable[[], Stream[T]]) -> Iterator[T]:
        """Run a stream: each of its queries is a unit of its own."""
        return pages(make(), lambda query: self.run(lambda: single(query), reads=True))

    @contextmanager
    def transaction(self) -> Iterator[TransactionRunner]:
        """A runner whose operations are one transaction: committed at the end of the block, undone by an exception."""
        undos = Undos()
        with undos.on_error(), self.pool.transaction(self.session) as unit:
            runner = TransactionRunner(unit, undos, self.pool.system)
            yield runner
            runner.commit()

    def close(self) -> None:
        """Close the connections; those of a parent process are left alone."""
        self.pool.close()


UNDONE = "was undone by an error"


class TransactionRunner(Blocking):
    """Runs operations in one open transaction, for the thread that opened it."""

    def __init__(self, unit: Unit, undos: Undos, system: str) -> None:
        self._unit, self._undos, self._system = unit, undos, system
        self._owner = (os.getpid(), threading.get_ident())
        self._over: str | None = None
        self._begun = False

    def run(self, make: Callable[[], Op[T]], *, reads: bool = False) -> T:
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
                return cast("T", drive(self._unit, run, step, commit=False))
        except BaseException:
            if not (reads and self._unit.sound):
                self._over = UNDONE
                self._unit.rollback()
            raise

    def iterate(self, make: Callable[[], Stream[T]]) -> Iterator[T]:
        """Run a stream inside the transaction."""
        return pages(make(), lambda query: self.run(lambda: single(query), reads=True))

    def _check(self) -> None:
        if self._owner != (os.getpid(), threading.get_ident()):
            raise Misuse("a transaction was used by another thread or process than the one that opened it")
        if self._over:
            raise Misuse(f"the transaction {self._over}")

    def commit(self) -> None:
        """Commit what the block did."""
        if self._over == UNDONE:
            raise Misuse("the block went on after an error that had undone its transaction")
        self._check()
        self._over = "is over"
        if self._begun:
            self._unit.step(Step((), last=True), last=True)


def pages(stream: Stream[T], ask: Callable[[Query], Any]) -> Iterator[T]:
    """The emitted values of a stream, asking its queries with `ask`."""
    reply: Any = None
    try:
        while True:
            effect = stream.send(reply)
            reply = None
            if isinstance(effect, Emit):
                yield effect.value
            else:
                reply = ask(effect)
    except StopIteration:
        return
    finally:
        stream.close()


def single(query: Query) -> Op[Any]:
    """The operation that is this one query."""
    return (yield Query(query.name, query.params, last=True))


_warned = False


def _warn_inside_a_loop() -> None:
    global _warned  # noqa: PLW0603 - once per process
    asyncio = sys.modules.get("asyncio")
    if _warned or asyncio is None or asyncio._get_running_loop() is None:  # noqa: SLF001 - a tenth of the public one's time
        return
    _warned = True
    depth, frame = 1, sys._getframe()  # noqa: SLF001 - the caller's place, not ours
    while frame.f_back and frame.f_globals["__name__"].startswith("aiconsql."):
        depth, frame = depth + 1, frame.f_back
    warnings.warn(
        "the blocking face of aiconsql was called inside a running event loop; use aconnect()", stacklevel=depth
    )
