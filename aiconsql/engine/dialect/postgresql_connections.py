"""Connections to PostgreSQL: psycopg's, with prepared statements of our own naming and an end to waiting."""

from __future__ import annotations

import base64
import hashlib
import select
import time
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

import psycopg
from psycopg import pq
from psycopg._preparing import Key, Prepare, PrepareManager

if TYPE_CHECKING:
    from collections.abc import Generator

    from psycopg._queries import PostgresQuery

T = TypeVar("T")


_NAME_LENGTH = 6  # 36 bits of a hash; each execution sends the name


class Silent(psycopg.OperationalError):
    """The server gave no sign of life for too long; the connection is closed."""


class _Names(PrepareManager):
    """Which statements are prepared on a connection, under names that tell their text.

    Counted names mean something else on each connection, and a pooler that hands a server connection to another
    client would make one name run another's statement. Nothing is dropped at ROLLBACK, as psycopg would.
    """

    def __init__(self) -> None:
        super().__init__()
        self._unproven: list[Key] = []
        self._failures = 0

    def get(self, query: PostgresQuery, prepare: bool | None = None) -> tuple[Prepare, bytes]:  # noqa: FBT001 - psycopg's
        """Whether to prepare the query or to use what was prepared, and the name."""
        if not prepare:
            return Prepare.NO, b""
        key = self.key(query)
        known = self._names.get(key)
        return (Prepare.YES, known) if known else (Prepare.SHOULD, self._name(key))

    def _name(self, key: Key) -> bytes:
        digest = hashlib.blake2b(repr(key).encode()).digest()
        # After a failure nobody knows whether the server has the name.
        return base64.b64encode(digest)[:_NAME_LENGTH] + (b"%d" % self._failures if self._failures else b"")

    def maybe_add_to_cache(self, query: PostgresQuery, prep: Prepare, name: bytes) -> Key | None:
        """Remember the name of what is being prepared."""
        if prep is Prepare.SHOULD:
            self._add(self.key(query), name)
        return None  # nothing to validate: `settle` does

    def _add(self, key: Key, name: bytes) -> None:
        self._names[key] = name
        self._unproven.append(key)

    def add(self, key: Key) -> bytes | None:
        """The name to prepare a statement under, or None when it is prepared."""
        if key in self._names:
            return None
        self._add(key, name := self._name(key))
        return name

    def settle(self, *, kept: bool) -> None:
        """The step is over: the server has what was prepared in it, or it failed and nobody knows."""
        if not kept and self._unproven:
            self._failures += 1
            for key in self._unproven:
                self._names.pop(key, None)
        self._unproven.clear()

    def forget(self) -> None:
        """Prepare everything anew under other names."""
        self._failures += 1
        self._names.clear()


def _watched(work: Generator[Any, Any, T], silence_s: float) -> Generator[Any, Any, T]:
    """What psycopg waits for; raises Silent when the socket was not ready for `silence_s`."""
    heard = time.monotonic()
    try:
        wanted = next(work)
        while True:
            ready = yield wanted
            now = time.monotonic()
            if ready:
                heard = now
            elif now - heard > silence_s:
                raise Silent(f"no sign of life from the server for {silence_s:g} s")
            wanted = work.send(ready)
    except StopIteration as stop:
        value: T = stop.value
        return value


class BlockingConnection(psycopg.Connection[Any]):
    """A connection for a thread; `silence_s` bounds each wait for the server."""

    silence_s = 60.0

    def wait(self, gen: Any, *args: Any, **options: Any) -> Any:
        """Wait, but not for ever: a TCP connection that only listens does not notice that its peer has vanished."""
        try:
            return super().wait(_watched(gen, self.silence_s), *args, **options)
        except Silent:
            self.pgconn.finish()
            raise


class AwaitingConnection(psycopg.AsyncConnection[Any]):
    """A connection for a task; `silence_s` bounds each wait for the server."""

    silence_s = 60.0

    async def wait(self, gen: Any, *args: Any, **options: Any) -> Any:
        """As `BlockingConnection.wait`."""
        try:
            return await super().wait(_watched(gen, self.silence_s), *args, **options)
        except Silent:
            self.pgconn.finish()
            raise


Connection = BlockingConnection | AwaitingConnection


def names(connection: Connection) -> _Names:
    """What is prepared on a connection of `connect` or `aconnect`."""
    return cast("_Names", connection._prepared)  # noqa: SLF001 - psycopg has no other door


def prepare(connection: Connection, text: bytes, types: tuple[int, ...]) -> None:
    """Let a statement be prepared in the pipeline that is open, unless it is."""
    name = names(connection).add((text, types))
    pipeline = connection._pipeline  # noqa: SLF001 - as psycopg does for a statement that is executed
    if name and pipeline:
        pipeline.command_queue.append(partial(connection.pgconn.send_prepare, name, text, param_types=types))
        pipeline.result_queue.append(None)


def connect(**options: Any) -> BlockingConnection:
    """Open a connection for a thread."""
    connection = BlockingConnection.connect(**options, cursor_factory=psycopg.RawCursor)
    connection._prepared = _Names()  # noqa: SLF001 - psycopg has no other door
    return connection


async def aconnect(**options: Any) -> AwaitingConnection:
    """Open a connection for a task."""
    connection = await AwaitingConnection.connect(**options, cursor_factory=psycopg.AsyncRawCursor)
    connection._prepared = _Names()  # noqa: SLF001 - psycopg has no other door
    return connection


def is_usable(connection: Connection) -> bool:
    """Whether nothing is under way and the server has not hung up while it lay idle: no round trip, nothing sent."""
    pgconn = connection.pgconn
    if pgconn.status != pq.ConnStatus.OK or pgconn.transaction_status != pq.TransactionStatus.IDLE:
        return False
    waiting = select.poll()
    waiting.register(pgconn.socket, select.POLLIN)
    try:
        while waiting.poll(0):  # its last words, and behind them its end
            pgconn.consume_input()
    except psycopg.Error:
        return False
    return True
