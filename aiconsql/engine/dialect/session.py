"""What the migrator needs of a database; migrate_sqlite.py and migrate_postgresql.py are the two that give it."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiconsql.engine.resources import folder
from aiconsql.errors import SchemaError

from .identifiers import literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from aiconsql.engine.migration_files import Migration, Tracked

    from .steps import Backend


@dataclass(frozen=True)
class Applied:
    """A row of aiconsql_migrations; `applied_at` is UTC text of one form on both databases."""

    migration_id: str
    sha256: str
    oldest_code: int
    phase: str
    applied_at: str


@dataclass(frozen=True)
class Column:
    """A column as the catalogue tells it; `type` is PostgreSQL's short name, or SQLite's where nobody knows more."""

    name: str
    type: str


@dataclass(frozen=True)
class Coverage:
    """What stands beside the tables: history, row-level security, privileges of the application role.

    `tables` are those that the applied files name: others in the same schema are somebody else's.
    """

    history: Sequence[Tracked]
    privileges: Mapping[str, Sequence[str]]
    tables: frozenset[str]
    app_role: str | None
    is_older: bool  # whether something was applied that this program does not know


class Session(ABC):
    """One connection that migrates. What happens in a `unit` is kept whole or not at all."""

    dialect: str
    suffix: str  # of the shipped files that are this database's own
    connection: Any

    @abstractmethod
    def unit(self, *, transactional: bool = True) -> AbstractContextManager[None]:
        """Exclude other migrators; unless `transactional` is False, in one transaction.

        Raises: Unavailable when another migrator does not end in time; nothing was changed.
        """

    @abstractmethod
    def transaction(self) -> AbstractContextManager[None]:
        """One transaction, or the one that is already open."""

    @abstractmethod
    def applied(self) -> list[Applied] | None:
        """What was applied, in order of id; None when nothing ever was."""

    @abstractmethod
    def statements(self, migration: Migration) -> list[str]:
        """The statements that apply it here."""

    @abstractmethod
    def rollback_statements(self, migration: Migration) -> list[str]:
        """The statements that undo it here."""

    @abstractmethod
    def split(self, text: str) -> list[str]:
        """The statements of a text in this database's dialect."""

    @abstractmethod
    def steps(self) -> Backend:
        """yoyo's backend on this connection."""

    @abstractmethod
    def uncover(self, tracked: Sequence[Tracked]) -> None:
        """Take the history triggers of these tables away."""

    @abstractmethod
    def cover(self, coverage: Coverage) -> None:
        """Write what stands beside the tables, where the live catalogue says that it differs."""

    def guarded(
        self, migration: Migration, tracked: Sequence[Tracked], statements: Sequence[str], run: Callable[[], None]
    ) -> None:
        """Run the steps, with what this database needs around them. `tracked` are the tables that have triggers now."""
        del migration, tracked, statements
        run()

    def apply(self, migration: Migration, tracked: Sequence[Tracked]) -> None:
        """Run the steps and mark the migration as applied, in the transaction that is open.

        Raises: MigrationFailed, naming file and statement.
        """
        from .steps import Steps

        statements = self.statements(migration)
        if migration.header.transactional:
            _refuse_control(migration, statements)
        steps = Steps(migration, forward=statements)
        self.guarded(migration, tracked, statements, lambda: self.steps().run(steps, "apply"))
        with self.transaction():
            for statement in self.split(shipped("before/bookkeeping", self.suffix)):
                self.connection.execute(statement)
            book = self.steps()
            book.mark_one(steps, log=False)
            book.log_migration(steps, "apply")
            header, sha256 = migration.header, migration.script(self.dialect).sha256
            values = [literal(migration.id), literal(sha256), str(header.oldest_code), literal(header.phase)]
            columns = "migration_id, sha256, oldest_code, phase"
            self.connection.execute(f"INSERT INTO aiconsql_migrations ({columns}) VALUES ({', '.join(values)})")  # noqa: S608

    def roll_back(self, migration: Migration, tracked: Sequence[Tracked]) -> None:
        """Undo the steps and take the mark away, in the transaction that is open.

        Raises: SchemaError when there is no rollback file; MigrationFailed, naming file and statement.
        """
        from .steps import Steps

        statements = self.rollback_statements(migration)
        _refuse_control(migration, statements)
        steps = Steps(migration, backward=statements)
        self.uncover(migration.header.history)
        self.guarded(migration, tracked, statements, lambda: self.steps().run(steps, "rollback"))
        book = self.steps()
        book.unmark_one(steps, log=False)
        book.log_migration(steps, "rollback")
        self.connection.execute(f"DELETE FROM aiconsql_migrations WHERE migration_id = {literal(migration.id)}")  # noqa: S608


_CONTROL = re.compile(
    r"(?:\s+|--[^\n]*\n|/\*.*?\*/)*(BEGIN|START|COMMIT|END|ROLLBACK|ABORT|SAVEPOINT|RELEASE)\b",
    re.IGNORECASE | re.DOTALL,
)


def _refuse_control(migration: Migration, statements: Sequence[str]) -> None:
    # The steps after a COMMIT would stay when a later one fails.
    for statement in statements:
        if match := _CONTROL.match(statement):
            raise SchemaError(f"{migration.id}: {match[1]} has no place in a migration, which is one transaction")


def shipped(name: str, suffix: str) -> str:
    """The text of a file of the shipped folder migrations/, such as after/history.part."""
    return (folder("migrations") / f"{name}{suffix}.sql").read_text(encoding="utf-8")


def filled(template: str, values: Mapping[str, str]) -> str:
    """A template with its {markers} replaced."""
    return re.sub(r"\{(\w+)\}", lambda match: values[match[1]], template)


def rollback_text(migration: Migration, dialect: str) -> str:
    """The text of the rollback file. Raises: SchemaError when there is none."""
    script = migration.rollback_script(dialect)
    if script is None:
        raise SchemaError(f"{migration.id}: cannot be rolled back, it has no .rollback.sql")
    return script.text
