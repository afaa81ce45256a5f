"""Units of work on PostgreSQL, blocking and awaiting: the same steps, who waits differs."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.errors import PipelineAborted
from psycopg.pq import TransactionStatus

from aiconsql.engine.queries import Statement, catalogue
from aiconsql.engine.unit import Again, Session, Step
from aiconsql.errors import AiconsqlError, OutcomeUnknown, Unavailable

from . import postgresql as pg, postgresql_errors as errors
from .postgresql_connections import AwaitingConnection, BlockingConnection, Connection, Silent, names, prepare

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_BEGIN, _COMMIT, _ROLLBACK = b"BEGIN", b"COMMIT", b"ROLLBACK"
_NAME_TAKEN_OR_LOST = {"42P05", "26000"}  # duplicate prepared statement, no such prepared statement
Call = tuple[Statement, Any]


@dataclass(slots=True)
class Preparing:
    """Whether a pool prepares statements; switched off for good when a pooler turns out not to keep them apart."""

    on: bool


class _Unit:
    """What both faces share: what is sent in a step, and what an error in it means.

    A one-step unit is one pipeline with one Sync, which PostgreSQL makes one implicit transaction;
    only a unit of several steps opens an explicit one.
    """

    def __init__(self, connection: Connection, session: Session, *, reads: bool, preparing: Preparing) -> None:
        self.connection: Any = connection
        self.session, self.reads, self.preparing = session, reads, preparing
        self.explicit = False  # BEGIN was sent
        self.committing = False  # what was sent may have committed
        self.fresh = True
        self.sound = True
        self.write_id: str | None = None  # under which history knows what is written now
        connection.silence_s = session.silence_s

    def _calls(self, step: Step) -> list[Call]:
        """The statements of a step, bound: what cannot be bound is found before anything is sent."""
        queries = catalogue()
        calls = []
        if self.fresh or step.write_id not in (None, self.write_id):
            configure = queries["unit.configure"]
            calls = [(configure, pg.bind(configure, pg.configuration(self.session, step.write_id, reads=self.reads)))]
            self.fresh, self.write_id = False, step.write_id
        for query in step.queries:
            statement = queries[query.name]
            calls.append((statement, pg.bind(statement, query.params)))
        return calls

    def _prepare_followers(self, calls: Sequence[Call]) -> None:
        if self.preparing.on:
            for statement in (follower for call in calls for follower in pg.followers(call[0])):
                prepare(self.connection, pg.compiled(statement.postgresql), pg.types(statement))

    @contextmanager
    def _settled(self) -> Iterator[None]:
        """Keep account of what the server prepared."""
        kept = False
        try:
            yield
            kept = True
        finally:
            names(self.connection).settle(kept=kept)

    def _explain(self, error: psycopg.Error, step: Step, *, broken: bool) -> AiconsqlError:
        # What ended the pipeline may have come in an earlier packet than what was then aborted.
        while isinstance(error, PipelineAborted) and isinstance(error.__context__, psycopg.Error):
            error = error.__context__
        where = step.queries[0].name if step.queries else "commit"
        if broken or errors.is_last_word(error):
            return self._lost(error, where)
        if error.diag.source_function == "RevalidateCachedQuery":  # a migration changed a column of its result
            names(self.connection).forget()
            return Again(f"{where}: the schema changed", hint="try again")
        if error.sqlstate in _NAME_TAKEN_OR_LOST:
            self.preparing.on = False
            return Again(
                f"{where}: the pooler does not keep prepared statements apart", hint="add ?prepare=off to the URL"
            )
        return errors.explain(error, where)

    def _lost(self, error: psycopg.Error, where: str) -> AiconsqlError:
        if self.committing and not self.reads:
            return OutcomeUnknown(
                f"{where}: the connection was lost after the write was sent",
                hint="load, then decide; saving the same object again does not write twice",
            )
        if isinstance(error, Silent):
            return Unavailable(f"{where}: {error}", hint="try again later")
        return Again(f"{where}: the connection was lost before anything was kept", hint="try again later")

    @staticmethod
    def _check_commit(tag: str | None) -> None:
        # COMMIT of a failed transaction is no error for PostgreSQL; only its tag tells.
        if tag != "COMMIT":
            raise Unavailable(f"commit: the server answered {tag}")


class BlockingUnit(_Unit):
    """A unit on a blocking connection."""

    def __init__(self, connection: BlockingConnection, session: Session, *, reads: bool, preparing: Preparing) -> None:
        super().__init__(connection, session, reads=reads, preparing=preparing)
        self.connection: BlockingConnection = connection

    def step(self, step: Step, *, last: bool) -> list[Any]:
        """Send the queries of a step in one flight and return their replies; with `last`, commit."""
        calls = self._calls(step)
        try:
            with self._settled():
                cursors, commit = self._fly(calls, last=last)
            if commit:
                self._check_commit(commit.statusmessage)
                self.explicit = False
            return _replies(step, calls, [(c, c.fetchall() if c.description else ()) for c in cursors])
        except psycopg.Error as error:
            raise self._explain(error, step, broken=self.connection.closed) from error

    def _fly(
        self, calls: Sequence[Call], *, last: bool
    ) -> tuple[list[psycopg.Cursor[Any]], psycopg.Cursor[Any] | None]:
        with self.connection.pipeline():
            try:
                if not (self.explicit or last):
                    self._send(_BEGIN)
                    self.explicit = True
                cursors = [self._send(pg.compiled(call[0].postgresql), call[1]) for call in calls]
                self._prepare_followers(calls)
                self.committing = last
                return cursors, self._send(_COMMIT) if last and self.explicit else None
            except BaseException as error:
                if not getattr(error, "sqlstate", None):  # the server knows of no failure,
                    self.connection.pgconn.finish()  # and the pipeline's Sync would commit the first half
                raise

    def _send(self, text: bytes, params: Any = None) -> psycopg.Cursor[Any]:
        cursor = self.connection.cursor(binary=True)
        return cursor.execute(text, params, prepare=self.preparing.on)

    def rollback(self) -> None:
        """Undo what was not committed."""
        connection = self.connection
        if not connection.closed and connection.info.transaction_status != TransactionStatus.IDLE:
            try:
                connection.execute(_ROLLBACK)
            except psycopg.Error:
                connection.close()  # the server undoes it when the connection goes
        self.explicit = False


class AwaitingUnit(_Unit):
    """A unit on an async connection."""

    def __init__(self, connection: AwaitingConnection, session: Session, *, reads: bool, preparing: Preparing) -> None:
        super().__init__(connection, session, reads=reads, preparing=preparing)
        self.connection: AwaitingConnection = connection

    async def step(self, step: Step, *, last: bool) -> list[Any]:
        """Send the queries of a step in one flight and return their replies; with `last`, commit."""
        calls = self._calls(step)
        try:
            with self._settled():
                cursors, commit = await self._fly(calls, last=last)
            if commit:
                self._check_commit(commit.statusmessage)
                self.explicit = False
            return _replies(step, calls, [(c, await c.fetchall() if c.description else ()) for c in cursors])
        except psycopg.Error as error:
            raise self._explain(error, step, broken=self.connection.closed) from error

    async def _fly(
        self, calls: Sequence[Call], *, last: bool
    ) -> tuple[list[psycopg.AsyncCursor[Any]], psycopg.AsyncCursor[Any] | None]:
        async with self.connection.pipeline():
            try:
                if not (self.explicit or last):
                    await self._send(_BEGIN)
                    self.explicit = True
                cursors = [await self._send(pg.compiled(call[0].postgresql), call[1]) for call in calls]
                self._prepare_followers(calls)
                self.committing = last
                return cursors, await self._send(_COMMIT) if last and self.explicit else None
            except BaseException as error:
                if not getattr(error, "sqlstate", None):  # the server knows of no failure,
                    self.connection.pgconn.finish()  # and the pipeline's Sync would commit the first half
                raise

    async def _send(self, text: bytes, params: Any = None) -> psycopg.AsyncCursor[Any]:
        cursor = self.connection.cursor(binary=True)
        return await cursor.execute(text, params, prepare=self.preparing.on)

    async def rollback(self) -> None:
        """Undo what was not committed."""
        connection = self.connection
        if not connection.closed and connection.info.transaction_status != TransactionStatus.IDLE:
            try:
                await connection.execute(_ROLLBACK)
            except psycopg.Error:
                await connection.close()  # the server undoes it when the connection goes
        self.explicit = False


def _replies(step: Step, calls: Sequence[Call], results: Sequence[Any]) -> list[Any]:
    """The replies to the step's own queries; what the unit sent in front of them is dropped."""
    replies = [pg.read(call[0], cursor, rows) for call, (cursor, rows) in zip(calls, results, strict=True)]
    return replies[len(replies) - len(step.queries) :]
