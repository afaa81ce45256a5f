"""The connections to a SQLite file: one writer at a time, readers beside it."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from aiconsql.engine.unit import Session
from aiconsql.errors import AiconsqlError, Misuse, Unavailable

from . import sqlite as lite
from .forks import begin_anew_in_children
from .functions import Context, teach
from .sqlite_units import LiteUnit, Member
from .sqlite_waiting import FairLock, Stop

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from aiconsql.engine.dialect.url import Target

READERS_MAX = 4


def inside() -> Misuse:
    """The error of who would wait for himself."""
    return Misuse(
        "the database was used inside its own transaction, for which it would wait forever; use the transaction object"
    )


def writers_busy(target: Target, session: Session) -> Unavailable:
    """The error of a writer whose turn never came."""
    return Unavailable(
        f"{target}: busy: other writers of this process took {session.lock_timeout_s:g} s", hint="try again later"
    )


def readers_busy(target: Target) -> Unavailable:
    """The error of a reader whose turn never came."""
    return Unavailable(
        f"{target}: no reader of the pool of {READERS_MAX} was free within {target.timeout_s:g} s",
        hint="try again later",
    )


class LiteFile:
    """The connections to one SQLite file; in memory there is one for everything."""

    system = "sqlite"

    def __init__(self, target: Target, synchronous: str) -> None:
        self.target, self._synchronous = target, synchronous
        self._begin_anew()
        self._gone: AiconsqlError | None = None  # why it cannot be used any more
        begin_anew_in_children(self)

    def _begin_anew(self) -> None:
        self._writing = FairLock()
        self._slots = threading.Semaphore(READERS_MAX)
        self._guard = threading.Lock()
        self._writers: list[Member] = []  # one, unless it is in use or was never opened
        self._readers: list[Member] = []
        self._owner: int | None = None  # the thread whose explicit transaction is open

    @contextmanager
    def unit(self, session: Session, *, reads: bool, stop: Stop | None = None) -> Iterator[LiteUnit]:
        """A unit on a writer or a reader; it is rolled back unless it was committed."""
        maker = os.getpid()
        if self._owner == threading.get_ident():
            raise inside()
        stop = stop or Stop()
        borrow = self._borrow_reader if reads and self.target.path else self._borrow_writer
        with borrow(session, stop) as member:
            member.context.tenant, member.context.error = session.tenant, None
            member.stop = stop
            unit = LiteUnit(member, session, reads=reads)
            try:
                yield unit
            finally:
                if os.getpid() == maker:  # else it is our parent's
                    unit.rollback()

    @contextmanager
    def transaction(self, session: Session) -> Iterator[LiteUnit]:
        """A unit that the calling thread holds open; the database itself refuses it meanwhile."""
        with self.unit(session, reads=False) as unit:
            self._owner = threading.get_ident()
            try:
                yield unit
            finally:
                self._owner = None

    @contextmanager
    def _borrow_writer(self, session: Session, stop: Stop) -> Iterator[Member]:
        writing = self._writing  # a forked child has another
        self.check_usable()
        if not writing.acquire(session.lock_timeout_s, stop):
            stop.check()
            raise writers_busy(self.target, session)
        try:
            with self._member(self._writers, reads=False) as member:
                yield member
        finally:
            writing.release()

    @contextmanager
    def _borrow_reader(self, session: Session, stop: Stop) -> Iterator[Member]:
        del session, stop  # a reader waits for readers only, which are quick
        slots = self._slots
        self.check_usable()
        if not slots.acquire(timeout=self.target.timeout_s):
            raise readers_busy(self.target)
        try:
            with self._member(self._readers, reads=True) as member:
                yield member
        finally:
            slots.release()

    @contextmanager
    def _member(self, idle: list[Member], *, reads: bool) -> Iterator[Member]:
        self.check_usable()
        with self._guard:
            member = idle.pop() if idle else None
        member = member or self._open(reads=reads)
        try:
            yield member
        finally:
            with self._guard:
                if self._gone:
                    member.close()
                elif not member.closed:
                    idle.append(member)

    def _open(self, *, reads: bool) -> Member:
        target = self.target
        connection = lite.open_connection(
            target.path, timeout_s=target.timeout_s, synchronous=self._synchronous, reads=reads
        )
        member = Member(connection, Context(), str(target))
        teach(connection, member.context)
        member.watch()
        return member

    def check_usable(self) -> None:
        """Raise the reason why it cannot be used any more, if there is one."""
        if self._gone:
            raise self._gone.with_traceback(None)

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """The writer's bare connection, for the migrator."""
        with self._borrow_writer(Session("default", "aiconsql"), Stop()) as member:
            yield member.connection

    def forget(self) -> object:
        """Give the parent's connections up without closing them."""
        dropped = (self._writers, self._readers)
        self._begin_anew()
        if self.target.path is None:
            self._gone = Misuse(
                "a database in memory belongs to the process that made it; connect() again in a forked one"
            )
        return dropped

    def close(self) -> None:
        """Close the connections; those in use when they are given back."""
        with self._guard:
            self._gone = Unavailable(f"{self.target}: the database is closed")
            for member in (*self._readers, *self._writers):
                member.close()
            self._readers, self._writers = [], []
