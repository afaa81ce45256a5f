"""
yoyo's steps, dependency graph and tables, on a connection and in a transaction of ours.

yoyo marks a migration in a second transaction on a second connection, prints what a statement returns to stdout
and, on SQLite, changes sqlite3's adapters for the whole process. Here the session owns connection, lock and
transaction, and yoyo sees one transaction that is already open.
"""

from __future__ import annotations

import getpass
import platform
import sqlite3
import uuid
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Literal, Self

from yoyo import internalmigrations
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
from yoyo.backends.core.sqlite3 import SQLiteBackend
from yoyo.connections import DatabaseURI
from yoyo.exceptions import BadMigration
from yoyo.migrations import Migration as YoyoMigration, MigrationList, StepCollector, topological_sort
from yoyo.utils import change_param_style

from aiconsql.errors import MigrationFailed, SchemaError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from aiconsql.engine.migration_files import Migration

# yoyo asks a backend for the address of its database; ours has a connection instead.
_NOWHERE = DatabaseURI("", None, None, None, None, "", {})


class Steps(YoyoMigration):  # type: ignore[misc]
    """A migration of ours as yoyo's: statements that were split, and translated, before."""

    def __init__(self, migration: Migration, forward: Sequence[str] = (), backward: Sequence[str] = ()) -> None:
        path = migration.forward[""].path
        super().__init__(migration.id, str(path), str(path.parent))
        self.migration = migration
        collector = StepCollector(self)
        # yoyo undoes its steps from the last to the first; a rollback file is written in the order in which it runs.
        for do, undo in zip_longest(forward, reversed(backward)):
            collector.add_step(do, undo)
        # The whole migration is one transaction: a savepoint around each step would only cost.
        self.steps = collector.create_steps(use_transactions=False)
        self._depends: set[YoyoMigration] = set()


def in_order(migrations: Sequence[Migration]) -> list[Migration]:
    """The migrations with each one after those that it depends on, else as they come.

    Raises: SchemaError when they depend on each other in a circle.
    """
    by_id = {migration.id: Steps(migration) for migration in migrations}
    for steps in by_id.values():
        steps._depends = {by_id[name] for name in steps.migration.header.depends}  # noqa: SLF001
    try:
        return [steps.migration for steps in topological_sort(MigrationList(by_id.values()))]
    except BadMigration as error:
        raise SchemaError(str(error)) from error


class _QuietCursor:
    """A cursor without a description: yoyo prints the rows of any other."""

    description = None

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor

    def execute(self, statement: str) -> None:
        self._cursor.execute(statement)

    def close(self) -> None:
        self._cursor.close()


class Backend:
    """What our two backends share: connection, transaction and lock are the session's."""

    driver: Any
    mark_one: Callable[..., None]
    unmark_one: Callable[..., None]
    log_migration: Callable[..., None]
    DatabaseError: type[Exception]

    def __init__(self, connection: Any) -> None:
        self._given = connection
        super().__init__(_NOWHERE, "_yoyo_migration")  # type: ignore[call-arg]
        self._in_transaction = True

    def connect(self, _uri: DatabaseURI) -> Any:
        """The session's connection."""
        return self._given

    def init_connection(self, connection: Any) -> None:
        """Nothing: the session has prepared it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        pass

    def begin(self) -> None:
        """Never: the session begins, yoyo's own transactions are savepoints."""
        raise AssertionError

    @contextmanager
    def lock(self, timeout: float = 0) -> Iterator[None]:
        """Nothing: the session excludes other migrators, by locks that end with their process."""
        del timeout
        yield

    def cursor(self) -> _QuietCursor:
        """A cursor for one step."""
        return _QuietCursor(self._given.cursor())

    def execute(self, sql: str, params: dict[str, Any] | None = None) -> Any:
        """The cursor of a statement of yoyo's own."""
        # From Python 3.12 on sqlite3 has no adapter for times that is its own.
        plain = {name: str(value) if isinstance(value, datetime) else value for name, value in (params or {}).items()}
        return self._given.execute(*change_param_style(self.driver.paramstyle, sql, plain))

    def ensure_internal_schema_updated(self) -> None:
        """Make yoyo's tables, in the transaction that is open."""
        if internalmigrations.needs_upgrading(self):
            internalmigrations.upgrade(self)

    def get_log_data(self, migration: Any = None, operation: str = "apply") -> dict[str, Any]:
        """A row of yoyo's log."""
        return {
            "id": str(uuid.uuid4()),
            "migration_id": migration.id,
            "migration_hash": migration.hash,
            # yoyo's own fails for a user id without a name, and asks the network for the host's.
            "username": _user(),
            "hostname": platform.node(),
            "created_at_utc": datetime.now(UTC).replace(tzinfo=None),
            "operation": operation,
        }

    def is_passing(self, error: Any) -> bool:
        """Whether the reason is not in the file: a lock that was not free, a lost connection, a full disk."""
        raise NotImplementedError

    def run(self, steps: Steps, direction: Literal["apply", "rollback"]) -> None:
        """Run the steps of a migration. Raises: MigrationFailed, naming file and statement; Unavailable."""
        for step in steps.steps if direction == "apply" else reversed(steps.steps):
            try:
                getattr(step, direction)(self)
            except self.DatabaseError as error:
                if self.is_passing(error):
                    reason = str(error).partition("\n")[0]
                    raise Unavailable(f"{steps.migration.id}: {reason}", hint="try again later") from error
                raise _failed(steps, direction, step.step, error) from error


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""


def _failed(steps: Steps, direction: Literal["apply", "rollback"], step: Any, error: Exception) -> MigrationFailed:
    text = step._apply if direction == "apply" else step._rollback  # noqa: SLF001
    begin = next((line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("--")), text)
    reason = str(error).partition("\n")[0]
    return MigrationFailed(
        f"{steps.migration.id}: {direction} failed at `{begin.strip().removesuffix(';')[:80]}`: {reason}",
        hint=f"correct {steps.path} and run again; nothing of it was kept"
        if steps.migration.header.transactional
        else f"{steps.path} runs outside a transaction: what its earlier statements did is still there",
    )


class SqliteBackend(Backend, SQLiteBackend):  # type: ignore[misc]
    """Runs steps on a sqlite3 connection."""

    def is_passing(self, error: Any) -> bool:
        """See Backend."""
        return error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}


class PostgresqlBackend(Backend, PostgresqlPsycopgBackend):  # type: ignore[misc]
    """Runs steps on a psycopg connection."""

    def is_passing(self, error: Any) -> bool:
        """See Backend."""
        # A lock not free in time, a deadlock, no space left, too little memory, the server going down.
        return self._given.closed or str(error.sqlstate)[:2] in {"53", "57"} or error.sqlstate in {"55P03", "40P01"}
