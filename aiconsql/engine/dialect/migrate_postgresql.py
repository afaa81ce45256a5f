"""
Migrations on PostgreSQL.

Schema, timeouts and lock are set for each transaction, so that nothing depends on the session; a lock of a
transaction ends with it, however it ends.
"""

from __future__ import annotations

import hashlib
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.pq import TransactionStatus

from aiconsql.errors import SchemaError, Unavailable

from . import catalogue_postgresql as catalogue
from .history import trigger_names, trigger_script
from .identifiers import literal, quoted
from .postgresql import connect_options
from .postgresql_errors import explain
from .session import Applied, Coverage, Session, filled, rollback_text, shipped
from .statements import split_postgresql

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aiconsql.engine.dialect.url import Target
    from aiconsql.engine.migration_files import Migration, Tracked

    from .session import Column
    from .steps import Backend

DEFAULT_APP_ROLE = "aiconsql_app"
LOCK_TIMEOUT_S = 60.0  # for another process that migrates the same schema
_POLL_S = 0.05
_TENANT_PRIVILEGES = ("select", "insert", "update", "delete")


@contextmanager
def open_session(target: Target) -> Iterator[PostgresqlSession]:
    """A session on a direct connection of its own.

    Raises: Unavailable, SettingsError.
    """
    direct = target.direct
    try:
        with psycopg.connect(**connect_options(direct)) as connection:
            catalogue.notice_dead_clients(connection)
            yield PostgresqlSession(connection, target.schema or catalogue.current_schema(connection), str(direct))
    except psycopg.Error as error:
        raise explain(error, str(direct)) from error


def read_applied(target: Target) -> list[Applied] | None:
    """What was applied; nothing is made, locked or changed."""
    with open_session(target) as session:
        return session.applied()


class PostgresqlSession(Session):
    """A psycopg connection in autocommit mode that migrates one schema."""

    dialect = "postgresql"
    suffix = ""

    def __init__(self, connection: psycopg.Connection[Any], schema: str, place: str) -> None:
        self.connection, self.schema, self.place = connection, schema, place

    @contextmanager
    def unit(self, *, transactional: bool = True) -> Iterator[None]:
        """Under the schema's advisory lock, which ends with its holder."""
        waiting = self._waiting()
        while transactional:
            # Each attempt is a transaction of its own: CREATE INDEX CONCURRENTLY in the session that holds the lock
            # waits for every transaction that had a snapshot.
            with self.transaction():
                if catalogue.try_lock(self.connection, self.schema, transactional=True):
                    catalogue.make_schema(self.connection, self.schema)
                    yield
                    return
            next(waiting)
        while not catalogue.try_lock(self.connection, self.schema, transactional=False):
            next(waiting)
        catalogue.configure(self.connection, self.schema, local=False)
        try:
            yield
        finally:
            if not self.connection.closed:
                catalogue.unlock(self.connection, self.schema)

    def _waiting(self) -> Iterator[None]:
        """One pause per turn. Raises: Unavailable when another migrator does not end in time."""
        deadline = time.monotonic() + LOCK_TIMEOUT_S
        while time.monotonic() < deadline:
            time.sleep(_POLL_S)
            yield
        raise Unavailable(f"{self.place}: another process has been migrating {self.schema} for {LOCK_TIMEOUT_S:g} s")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """See Session."""
        if self.connection.info.transaction_status != TransactionStatus.IDLE:
            yield
            return
        with self.connection.transaction():
            catalogue.configure(self.connection, self.schema, local=True)
            yield

    def applied(self) -> list[Applied] | None:
        """See Session."""
        with self.transaction():
            rows = catalogue.applied(self.connection)
        return None if rows is None else [Applied(*row) for row in rows]

    def split(self, text: str) -> list[str]:
        """See Session."""
        return split_postgresql(text)

    def statements(self, migration: Migration) -> list[str]:
        """See Session."""
        return split_postgresql(migration.script(self.dialect).text)

    def rollback_statements(self, migration: Migration) -> list[str]:
        """See Session."""
        return split_postgresql(rollback_text(migration, self.dialect))

    def steps(self) -> Backend:
        """See Session."""
        from .steps import PostgresqlBackend

        return PostgresqlBackend(self.connection)

    def uncover(self, tracked: Sequence[Tracked]) -> None:
        """See Session."""
        for one in tracked:
            self._run(filled(shipped("after/history.rollback", self.suffix), {"table": one.table}))

    def cover(self, coverage: Coverage) -> None:
        """Write triggers, policies and privileges when they are not what the last run left."""
        columns = catalogue.columns(self.connection)
        parts = (self._history, self._tenants, self._privileges)
        script = "\n".join(text for part in parts for text in part(coverage, columns))
        mark = f"covered {hashlib.sha256(script.encode()).hexdigest()}"
        missing = set(trigger_names(script)) - catalogue.triggers(self.connection)
        if missing or catalogue.covered(self.connection) != mark:
            self._run(script)
            self._run(f"COMMENT ON TABLE aiconsql_migrations IS {literal(mark)}")

    def _history(self, coverage: Coverage, columns: Mapping[str, Sequence[Column]]) -> Iterator[str]:
        history = {one.table: one for one in coverage.history if one.table in columns}
        for tracked in history.values():
            yield trigger_script(tracked, history, columns, self.suffix)

    def _tenants(self, coverage: Coverage, columns: Mapping[str, Sequence[Column]]) -> Iterator[str]:
        for table in _tenant_tables(coverage, columns):
            yield filled(shipped("after/tenants", self.suffix), {"table": quoted(table)})

    def _privileges(self, coverage: Coverage, columns: Mapping[str, Sequence[Column]]) -> Iterator[str]:
        role = self._app_role(coverage.app_role)
        if role is None:
            return
        yield filled(shipped("after/application", self.suffix), {"schema": quoted(self.schema), "role": quoted(role)})
        wanted = dict.fromkeys(_tenant_tables(coverage, columns), _TENANT_PRIVILEGES) | dict(coverage.privileges)
        for table, privileges in wanted.items():
            if table in columns:
                markers = {"table": quoted(table), "role": quoted(role), "privileges": ", ".join(privileges)}
                yield filled(shipped("after/application.table", self.suffix), markers)
        for table, sequence in catalogue.sequences(self.connection):
            if "insert" in wanted.get(table, ()):
                markers = {"sequence": quoted(sequence), "role": quoted(role)}
                yield filled(shipped("after/application.sequence", self.suffix), markers)

    def _app_role(self, asked: str | None) -> str | None:
        """The role to grant to; None when the owner serves the application, too."""
        role = asked or DEFAULT_APP_ROLE
        if catalogue.role_exists(self.connection, role):
            return None if role == catalogue.current_role(self.connection) else role
        if asked is None:
            return None
        raise SchemaError(f"role {asked}: there is no such role", hint="an administrator runs: aiconsql roles --sql")

    def _run(self, script: str) -> None:
        for statement in split_postgresql(script):
            self.connection.execute(statement)


def _tenant_tables(coverage: Coverage, columns: Mapping[str, Sequence[Column]]) -> list[str]:
    return [
        table
        for table, found in columns.items()
        if table in coverage.tables and any(column.name == "tenant_id" for column in found)
    ]
