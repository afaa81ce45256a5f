"""
Migrations on SQLite.

A table is changed by building it anew and dropping the old one. With foreign keys on that would delete every child
row, and PRAGMA foreign_keys is ignored inside a transaction: so they are off before BEGIN, and what they guarantee
is checked before COMMIT.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from aiconsql.errors import MigrationFailed, Misuse, Unavailable

from .history import trigger_endings, trigger_names, trigger_script
from .identifiers import quoted
from .session import Applied, Column, Coverage, Session, rollback_text
from .sqlite import check_is_database, explain
from .statements import split_sqlite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from aiconsql.engine.dialect.url import Target
    from aiconsql.engine.migration_files import Migration, Tracked

    from .steps import Backend

LOCK_TIMEOUT_S = 60.0  # for another process that migrates the same file
_FIND_APPLIED = "SELECT migration_id, sha256, oldest_code FROM aiconsql_migrations ORDER BY migration_id"
_FIND_ROWS = """
SELECT migration_id, sha256, oldest_code, phase, applied_at FROM aiconsql_migrations ORDER BY migration_id
"""
_FIND_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_' ORDER BY name"
_FIND_FOREIGN_KEYS = """
SELECT id, "table", "from", coalesce("to", "from")
  FROM pragma_foreign_key_list(?)
 WHERE on_delete = 'CASCADE'
 ORDER BY id, seq
"""
_FIND_TRIGGERS = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
# SQLite reads every trigger again when one of these runs, and refuses it for any that names what is gone meanwhile.
_RESHAPES = re.compile(r"\bDROP\s+TABLE\b|\bALTER\s+TABLE\b.*\b(DROP|RENAME)\b", re.IGNORECASE | re.DOTALL)


def sqlite_status(connection: sqlite3.Connection) -> list[tuple[str, str, int]] | None:
    """What was applied to the connected file, for `migrations.judge`; None when nothing ever was. One small query."""
    try:
        return connection.execute(_FIND_APPLIED).fetchall()
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return None
        raise


def migrate_connection(connection: sqlite3.Connection, *, folders: Sequence[Path] = ()) -> list[str]:
    """Migrate the database of an open connection, as one in memory must be; the ids that were applied.

    The connection is in autocommit mode (isolation_level None) and in no transaction.
    """
    from aiconsql.engine.migrations import apply_pending, folders_or_ours

    return apply_pending(SqliteSession(connection), folders_or_ours(folders))


def prepare_new_file(connection: sqlite3.Connection) -> None:
    """Switch the file to write-ahead logging, which lasts. Under the file's lock: it ignores the busy timeout."""
    connection.execute("PRAGMA journal_mode = WAL").fetchone()


@contextmanager
def open_session(target: Target) -> Iterator[SqliteSession]:
    """A session on the file, which nobody else migrates or opens for the first time meanwhile.

    Raises: Unavailable, Corrupt; Misuse for a database in memory.
    """
    if target.path is None:
        raise Misuse("a database in memory begins empty each time; name a file")
    check_is_database(target.path)
    try:
        with FileLock(f"{target.path}.lock", timeout=LOCK_TIMEOUT_S):
            connection = sqlite3.connect(target.path, isolation_level=None, timeout=target.timeout_s)
            try:
                prepare_new_file(connection)
                yield SqliteSession(connection)
            finally:
                connection.close()
    except Timeout as error:
        raise Unavailable(f"{target}: another process has been migrating it for {LOCK_TIMEOUT_S:g} s") from error
    except OSError as error:
        raise Unavailable(f"{target}: {error.strerror or error}", hint="choose a place you may write to") from error
    except sqlite3.Error as error:
        raise explain(error, str(target)) from error


def read_applied(target: Target) -> list[Applied] | None:
    """What was applied; nothing is made, locked or changed."""
    if target.path is None or not Path(target.path).exists():
        return None
    try:
        uri = f"{Path(target.path).as_uri()}?mode=rw"  # a file that went away meanwhile is not made again
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=target.timeout_s)
        try:
            return SqliteSession(connection).applied()
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise explain(error, str(target)) from error


class SqliteSession(Session):
    """A sqlite3 connection in autocommit mode that migrates."""

    dialect = "sqlite"
    suffix = ".sqlite"

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    @contextmanager
    def unit(self, *, transactional: bool = True) -> Iterator[None]:
        """BEGIN IMMEDIATE keeps other migrators out; every migration is transactional here."""
        del transactional
        foreign_keys = self.connection.execute("PRAGMA foreign_keys").fetchone()[0]
        self.connection.execute("PRAGMA foreign_keys = OFF")
        try:
            self.connection.execute("BEGIN IMMEDIATE")
            yield
            self.connection.execute("COMMIT")
        finally:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            self.connection.execute(f"PRAGMA foreign_keys = {foreign_keys}")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """The unit's."""
        yield

    def applied(self) -> list[Applied] | None:
        """See Session."""
        if sqlite_status(self.connection) is None:
            return None
        return [Applied(*row) for row in self.connection.execute(_FIND_ROWS)]

    def split(self, text: str) -> list[str]:
        """See Session."""
        return split_sqlite(text)

    def statements(self, migration: Migration) -> list[str]:
        """The variant as it is, or the translation that was shipped for this very file, or a fresh one."""
        script = migration.script(self.dialect)
        if migration.is_written_for(self.dialect):
            return split_sqlite(script.text)
        shipped = _map_part("migrations").get(migration.id)
        if shipped and shipped["sha256"] == script.sha256:
            return split_sqlite(shipped["sqlite"])
        return split_sqlite(_translated(script.text, script.path))

    def rollback_statements(self, migration: Migration) -> list[str]:
        """See Session."""
        text = rollback_text(migration, self.dialect)
        if self.dialect in migration.backward:
            return split_sqlite(text)
        return split_sqlite(_translated(text, migration.backward[""].path))

    def steps(self) -> Backend:
        """See Session."""
        from .steps import SqliteBackend

        return SqliteBackend(self.connection)

    def guarded(
        self, migration: Migration, tracked: Sequence[Tracked], statements: Sequence[str], run: Callable[[], None]
    ) -> None:
        """Check after the steps what foreign keys would have guaranteed, and that no other table lost rows."""
        file = migration.script(self.dialect)
        named = {word.lower() for word in re.findall(r"\w+", file.text)}
        before = self._counts([name for name in self._tables() if name.lower() not in named])
        if any(_RESHAPES.search(statement) for statement in statements):
            self.uncover(tracked)
        run()
        if broken := self.connection.execute("PRAGMA foreign_key_check").fetchall():
            table, _, parent, _ = broken[0]
            raise MigrationFailed(f"{file.path}: {len(broken)} rows without their parent, as in {table} of {parent}")
        after = self._counts([name for name in self._tables() if name in before])
        for name, count in before.items():
            if after.get(name, 0) < count:
                raise MigrationFailed(
                    f"{file.path}: {name} lost {count - after.get(name, 0)} rows and the file does not name it",
                    hint="when that is meant, name the table in a comment of the file",
                )

    def uncover(self, tracked: Sequence[Tracked]) -> None:
        """See Session."""
        present = dict(self.connection.execute(_FIND_TRIGGERS))
        for table in (one.table for one in tracked):
            for name in dict.fromkeys(f"{table}{ending}" for ending in trigger_endings(self.suffix)):
                if name in present:
                    self.connection.execute(f"DROP TRIGGER {quoted(name)}")

    def cover(self, coverage: Coverage) -> None:
        """Write the history triggers that differ from what the catalogue asks for."""
        columns = self._columns()
        children = self._children()
        history = {one.table: one for one in coverage.history if one.table in columns}
        present = dict(self.connection.execute(_FIND_TRIGGERS))
        for tracked in history.values():
            script = trigger_script(tracked, history, columns, self.suffix, children.get(tracked.table, ()))
            statements = split_sqlite(script)
            made = [_created(statement) for statement in statements if "CREATE TRIGGER" in statement]
            if [present.get(name) for name in trigger_names(script)] != made:
                for statement in statements:
                    self.connection.execute(statement)

    def _tables(self) -> list[str]:
        return [name for (name,) in self.connection.execute(_FIND_TABLES)]

    def _counts(self, tables: Sequence[str]) -> dict[str, int]:
        count = "SELECT count(*) FROM {}".format  # names from the catalogue
        return {name: self.connection.execute(count(quoted(name))).fetchone()[0] for name in tables}

    def _columns(self) -> dict[str, list[Column]]:
        known: Mapping[str, Mapping[str, str]] = _map_part("tables")
        return {
            table: [Column(name, known.get(table, {}).get(name, kind)) for name, kind in self._storage(table)]
            for table in self._tables()
        }

    def _children(self) -> dict[str, list[str]]:
        """For each table what removes the rows that foreign keys would remove with one of its own."""
        found: dict[str, dict[tuple[str, int], list[str]]] = {}
        for child in self._tables():
            for number, parent, column, referred in self.connection.execute(_FIND_FOREIGN_KEYS, (child,)):
                same = f"{quoted(column)} = OLD.{quoted(referred)}"
                found.setdefault(parent, {}).setdefault((child, number), []).append(same)
        return {
            parent: [f"DELETE FROM {quoted(child)} WHERE {' AND '.join(on)};" for (child, _), on in keys.items()]  # noqa: S608
            for parent, keys in found.items()
        }

    def _storage(self, table: str) -> list[tuple[str, str]]:
        rows = self.connection.execute("SELECT name, type FROM pragma_table_info(?)", (table,))
        return [(name, kind) for name, kind in rows]


def _created(statement: str) -> str:
    """A CREATE TRIGGER as the catalogue keeps it."""
    return statement[statement.index("CREATE TRIGGER") :].removesuffix(";")


def _map_part(part: str) -> Mapping[str, Mapping[str, str]]:
    from aiconsql.engine.queries import MAP, catalogue

    if not MAP.exists():  # while it is being generated
        return {}
    found: Mapping[str, Mapping[str, str]] = getattr(catalogue(), part)
    return found


def _translated(text: str, path: Path) -> str:
    from .translate import migration_to_sqlite

    return migration_to_sqlite(text, file=str(path))
