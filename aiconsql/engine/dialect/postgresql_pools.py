"""Pools of PostgreSQL connections. Who needs one opens it, so that failures are told at once."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import psycopg

from aiconsql.engine.awaiting import drive
from aiconsql.errors import Unavailable

from . import postgresql as pg, postgresql_errors as errors
from .forks import begin_anew_in_children
from .postgresql_connections import AwaitingConnection, BlockingConnection, aconnect, connect, is_usable
from .postgresql_units import AwaitingUnit, BlockingUnit, Preparing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from aiconsql.engine.dialect.url import Target
    from aiconsql.engine.unit import Session, Step

_IDLE_S = 10 * 60.0  # a connection that lay idle for longer is closed
_PAUSE_S, _PAUSE_MAX_S = 0.02, 0.5  # between attempts to connect
C = TypeVar("C", BlockingConnection, AwaitingConnection)


class _Idle(Generic[C]):
    """Idle connections; the one used last is used first, so that the others grow old and are closed."""

    def __init__(self) -> None:
        self._kept: list[tuple[float, C]] = []
        self._guard = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def take(self) -> C | None:
        """A connection that still works, or None."""
        with self._guard:
            while self._kept:
                connection = self._kept.pop()[1]
                if is_usable(connection):
                    return connection
                connection.pgconn.finish()
        return None

    def give(self, connection: C) -> None:
        """Keep a connection for the next, unless it is closed or something is under way on it."""
        now = time.monotonic()
        with self._guard:
            if is_usable(connection):
                self._kept.append((now, connection))
            else:
                connection.pgconn.finish()
            while self._kept and self._kept[0][0] < now - _IDLE_S:
                self._kept.pop(0)[1].pgconn.finish()

    def close(self) -> None:
        """Close them all."""
        with self._guard:
            for _, connection in self._kept:
                connection.pgconn.finish()
            self._kept.clear()


class _Pool(Generic[C]):
    """What both faces share: where to connect to, and what a failure to connect means."""

    system = "postgresql"

    def __init__(self, target: Target) -> None:
        self.target = target
        self.preparing = Preparing(target.prepare)
        self.idle: _Idle[C] = _Idle()
        self._reached = False
        self._closed = False

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable(f"{self.target}: the database is closed")

    def _none_free(self) -> Unavailable:
        target = self.target
        return Unavailable(
            f"{target}: no connection of the pool of {target.pool_max} was free within {target.timeout_s:g} s",
            hint="raise pool_max in the URL, or run fewer operations at once",
        )

    def _options(self, deadline: float) -> dict[str, Any]:
        left_s = deadline - time.monotonic()
        return pg.connect_options(self.target, timeout_s=left_s)

    def _pause(self, error: psycopg.Error, attempt: int, deadline: float) -> float:
        """Seconds until the next attempt to connect; the error, when it would come to the same or time is over."""
        pause_s: float = min(_PAUSE_S * 2**attempt, _PAUSE_MAX_S)
        over = time.monotonic() + pause_s > deadline
        if over or not (errors.is_passing(error) or (self._reached and not errors.is_permanent(error))):
            raise errors.explain(error, str(self.target)) from error
        return pause_s


class BlockingPool(_Pool[BlockingConnection]):
    """Connections for threads."""

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self._slots = threading.Semaphore(target.pool_max)
        begin_anew_in_children(self)

    @contextmanager
    def unit(self, session: Session, *, reads: bool) -> Iterator[BlockingUnit]:
        """A unit on a live connection; it is rolled back unless it was committed."""
        maker = os.getpid()
        with self._slot():
            connection = self._connection()
            unit = BlockingUnit(connection, session, reads=reads, preparing=self.preparing)
            try:
                yield unit
            finally:
                if os.getpid() == maker:  # else it is our parent's
                    try:
                        unit.rollback()
                    finally:
                        self.idle.give(connection)

    @contextmanager
    def transaction(self, session: Session) -> Iterator[BlockingUnit]:
        """A unit that the caller holds open."""
        with self.unit(session, reads=False) as unit:
            yield unit

    @contextmanager
    def _slot(self) -> Iterator[None]:
        slots = self._slots  # a forked child has others
        self._check_open()
        if not slots.acquire(timeout=self.target.timeout_s):
            raise self._none_free()
        try:
            yield
        finally:
            slots.release()
            if self._closed:
                self.idle.close()

    def _connection(self) -> BlockingConnection:
        return self.idle.take() or self._connect(time.monotonic() + self.target.timeout_s)

    def _connect(self, deadline: float) -> BlockingConnection:
        attempt = 0
        while True:
            try:
                connection = connect(**self._options(deadline))
            except psycopg.Error as error:
                time.sleep(self._pause(error, attempt, deadline))
                attempt += 1
            else:
                self._reached = True
                return connection

    def forget(self) -> object:
        """Give the parent's connections up without closing them."""
        dropped = self.idle
        self.idle, self._slots = _Idle(), threading.Semaphore(self.target.pool_max)
        return dropped

    def close(self) -> None:
        """Close the connections; those in use when they are given back."""
        self._closed = True
        self.idle.close()


class AwaitingPool(_Pool[AwaitingConnection]):
    """Connections for the tasks of one event loop."""

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self._slots = asyncio.Semaphore(target.pool_max)
        begin_anew_in_children(self)

    async def drive(self, session: Session, run: Any, step: Step, *, reads: bool) -> Any:
        """Carry a whole unit out on one connection."""
        async with self._unit(session, reads=reads) as unit:
            return await drive(unit, run, step, commit=True)

    @asynccontextmanager
    async def transaction(self, session: Session) -> AsyncIterator[AwaitingUnit]:
        """A unit that the caller holds open."""
        async with self._unit(session, reads=False) as unit:
            yield unit

    @asynccontextmanager
    async def _unit(self, session: Session, *, reads: bool) -> AsyncIterator[AwaitingUnit]:
        """A unit on a live connection; it is rolled back unless it was committed."""
        maker = os.getpid()
        async with self._slot():
            connection = await self._connection()
            unit = AwaitingUnit(connection, session, reads=reads, preparing=self.preparing)
            try:
                yield unit
            finally:
                if os.getpid() == maker:  # else it is our parent's
                    try:
                        await unit.rollback()
                    finally:
                        self.idle.give(connection)

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        self._check_open()
        try:
            async with asyncio.timeout(self.target.timeout_s):
                await self._slots.acquire()
        except TimeoutError as error:
            raise self._none_free() from error
        try:
            yield
        finally:
            self._slots.release()
            if self._closed:
                self.idle.close()

    async def _connection(self) -> AwaitingConnection:
        return self.idle.take() or await self._connect(time.monotonic() + self.target.timeout_s)

    async def _connect(self, deadline: float) -> AwaitingConnection:
        attempt = 0
        while True:
            try:
                connection = await aconnect(**self._options(deadline))
            except psycopg.Error as error:
                await asyncio.sleep(self._pause(error, attempt, deadline))
                attempt += 1
            else:
                self._reached = True
                return connection

    def forget(self) -> object:
        """Give the parent's connections up without closing them."""
        dropped, self.idle = self.idle, _Idle()
        return dropped

    async def close(self) -> None:
        """Close the connections; those in use when they are given back."""
        self._closed = True
        self.idle.close()
