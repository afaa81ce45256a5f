"""A unit of work on SQLite: the same steps as on PostgreSQL, on one connection and in one thread at a time."""

from __future__ import annotations

import sqlite3
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiconsql.engine.queries import catalogue
from aiconsql.engine.unit import Again, Session, Step
from aiconsql.errors import Unavailable

from . import sqlite as lite
from .sqlite_waiting import Stop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .functions import Context

_CHECK_EVERY = 50_000  # virtual machine instructions, about a millisecond


@dataclass(slots=True)
class Member:
    """A connection with what the engine taught it; `where` is the database, for messages."""

    connection: sqlite3.Connection
    context: Context
    where: str
    stop: Stop = field(default_factory=Stop)
    deadline: float = float("inf")
    closed: bool = False

    def watch(self) -> None:
        """Let SQLite ask us, while a statement runs, whether to end it."""
        self.connection.set_progress_handler(self._is_over, _CHECK_EVERY)

    def _is_over(self) -> int:
        return int(self.stop.raised or time.monotonic() > self.deadline)

    def close(self) -> None:
        """Close the connection; what was not committed is undone."""
        self.closed = True
        self.connection.close()


class LiteUnit:
    """A unit on one connection, used by one thread at a time."""

    def __init__(self, member: Member, session: Session, *, reads: bool) -> None:
        self._member, self.session, self.reads = member, session, reads
        self._open = False
        self._entered = False
        self._doing = "begin"
        self.fresh = True
        self.sound = True
        self.write_id: str | None = None  # under which history knows what is written now

    def step(self, step: Step, *, last: bool) -> list[Any]:
        """Run the queries of a step and return their replies; with `last`, commit."""
        queries = catalogue()
        with self._explained():
            if not (self._open or (self.reads and last)):
                self._begin()
            if not self.reads and (self.fresh or step.write_id not in (None, self.write_id)):
                self._enter(step.write_id)
            self.fresh = False
            replies = [self._execute(queries[query.name], query.params) for query in step.queries]
            if last:
                self._commit()
        return replies

    def _begin(self) -> None:
        """Start a transaction, waiting for other processes' writers in slices, so that waiting can be cancelled."""
        if self.reads:
            self._member.connection.execute("BEGIN")
        else:
            deadline = time.monotonic() + self.session.lock_timeout_s
            while not self._begin_writing(deadline):
                self._member.stop.check()
        self._open = True

    def _begin_writing(self, deadline: float) -> bool:
        try:
            self._member.connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if not lite.is_busy(error):
                raise
            if time.monotonic() > deadline:
                raise Unavailable(
                    f"{self._member.where}: busy: another process wrote for {self.session.lock_timeout_s:g} s",
                    hint="try again later",
                ) from error
            return False
        return True

    def _enter(self, write_id: str | None) -> None:
        queries = catalogue()
        if self._entered:
            self._execute(queries["unit.leave"], {})
        session = self.session
        self._execute(queries["unit.enter"], {"actor": session.actor, "reason": session.reason, "write_id": write_id})
        self._entered, self.write_id = True, write_id

    def _execute(self, statement: Any, params: Any) -> Any:
        member = self._member
        member.stop.check()
        self._doing = statement.name
        member.deadline = time.monotonic() + self.session.statement_timeout_s
        return lite.execute(member.connection, statement, params)

    def _commit(self) -> None:
        self._member.stop.check()
        if self._entered:
            self._execute(catalogue()["unit.leave"], {})
            self._entered = False
        if self._open:
            self._doing = "commit"
            self._member.connection.execute("COMMIT")
            self._open = False

    @contextmanager
    def _explained(self) -> Iterator[None]:
        context = self._member.context
        try:
            yield
        except sqlite3.Error as error:
            self._member.stop.check()
            where = self._doing
            taught, context.error = context.error, None
            if taught is None and lite.is_busy(error):
                raise Again(f"{where}: the database is busy", hint="try again later") from error
            raise lite.explain(error, where, taught) from (taught or error)

    def rollback(self) -> None:
        """Undo what was not committed; a connection that cannot do so is closed, which does."""
        member = self._member
        member.deadline = float("inf")
        member.stop = Stop()
        try:
            if member.connection.in_transaction:
                member.connection.execute("ROLLBACK")
        except sqlite3.Error:
            member.close()
        self._open = self._entered = False
