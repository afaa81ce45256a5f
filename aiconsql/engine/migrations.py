"""
Migrating a schema and judging one: which files were applied, which are missing, whether program and schema fit.

`judge` is what every connection asks; it reads file names and checksums and nothing else. Everything that runs
statements is in dialect/ and is imported when there is something to run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from aiconsql.engine.migration_files import Migration, read_migrations
from aiconsql.engine.resources import folder
from aiconsql.errors import MigrationEdited, NotMigrated, SchemaError, SchemaTooNew

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from aiconsql.engine.dialect.session import Applied, Coverage, Session
    from aiconsql.engine.dialect.url import Target

    Progress = Callable[[str, int, int], None]  # id, how many are done, how many there are

_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Known:
    """What a program knows of its own migrations: id -> checksum here, id -> file; and which it needs."""

    sha256: Mapping[str, str]
    files: Mapping[str, str]
    needed: frozenset[str]
    newest: int


@dataclass(frozen=True)
class Row:
    """One line of the status. `applied_at` is UTC text, None for a pending one.

    `state` is "applied", "pending", "edited" (its file was changed after it had been applied) or "unknown" (applied
    by a program that has a file which this one lacks).
    """

    id: str
    state: Literal["applied", "pending", "edited", "unknown"]
    phase: str
    applied_at: str | None


def folders_or_ours(folders: Sequence[Path] = ()) -> tuple[Path, ...]:
    """The folders that were named, else the shipped one. `oldest code` speaks of the numbers of the first."""
    return tuple(folders) or (folder("migrations"),)


def known(dialect: str, folders: Sequence[Path] = ()) -> Known:
    """What this program knows of its migrations on a database of `dialect`."""
    where = folders_or_ours(folders)
    files = tuple((str(path), path.stat().st_mtime_ns) for place in where for path in sorted(place.glob("*.sql")))
    return _known(dialect, where, files)


@lru_cache(maxsize=32)
def _known(dialect: str, folders: tuple[Path, ...], _files: tuple[tuple[str, int], ...]) -> Known:
    migrations = read_migrations(folders)
    return Known(
        sha256={one.id: one.script(dialect).sha256 for one in migrations},
        files={one.id: one.script(dialect).path.name for one in migrations},
        needed=frozenset(one.id for one in migrations if one.header.phase == "pre"),
        newest=max((one.number for one in read_migrations(folders[:1])), default=0),
    )


def judge(rows: Iterable[Sequence[Any]] | None, known: Known) -> None:
    """Pass when the schema serves this program. `rows` begin with id, checksum and oldest code; None: no table.

    Raises: MigrationEdited, SchemaTooNew, NotMigrated, each naming the migrations.
    """
    applied = {row[0]: row for row in rows or ()}
    check_applied(applied.values(), known)
    if missing := sorted(known.needed - applied.keys()):
        raise NotMigrated(f"the schema lacks {', '.join(missing)}", hint="run: aiconsql migrate")


def check_applied(rows: Iterable[Sequence[Any]], known: Known) -> None:
    """Pass when what was applied is what this program knows, or what it can live with.

    Raises: MigrationEdited, SchemaTooNew.
    """
    for name, sha256, oldest_code in (tuple(row[:3]) for row in rows):
        if name in known.sha256 and known.sha256[name] != sha256:
            raise MigrationEdited(
                f"{known.files[name]}: was changed after it had been applied",
                hint="restore the file and write the change as a new migration",
            )
        if name not in known.sha256 and int(oldest_code) > known.newest:
            raise SchemaTooNew(
                f"the schema has {name}, which needs a program that knows migration {oldest_code:04}; "
                f"this one knows {known.newest:04}",
                hint="upgrade aiconsql",
            )


def migrate(
    target: Target,
    *,
    to: str | None = None,
    dry_run: bool = False,
    app_role: str | None = None,
    progress: Progress | None = None,
    folders: Sequence[Path] = (),
) -> list[str]:
    """Apply what is pending, up to and with `to` (a number or an id); the ids that this call applied, in order.

    With `dry_run` the ids that it would apply, and nothing is changed. On PostgreSQL privileges are granted to
    `app_role`, else to aiconsql_app where there is such a role. `folders` replace the shipped one.

    Raises: SchemaError, MigrationFailed (nothing of that one was kept), MigrationEdited, SchemaTooNew, Unavailable.
    """
    where = folders_or_ours(folders)
    if dry_run:
        applied = _database(target).read_applied(target)
        check_applied(_judged(applied), known(target.dialect, where))
        return [one.id for one in pending(where, applied, to)]
    with _database(target).open_session(target) as session:
        return apply_pending(session, where, to=to, app_role=app_role, progress=progress)


def bring_up_to_date(target: Target, *, app_role: str | None = None, folders: Sequence[Path] = ()) -> list[str]:
    """As `migrate`, for every connect: when nothing is pending it only reads, and waits for no writer."""
    where = folders_or_ours(folders)
    applied = _database(target).read_applied(target)
    check_applied(_judged(applied), known(target.dialect, where))
    return migrate(target, app_role=app_role, folders=where) if pending(where, applied, None) else []


def apply_pending(
    session: Session,
    folders: Sequence[Path],
    *,
    to: str | None = None,
    app_role: str | None = None,
    progress: Progress | None = None,
) -> list[str]:
    """Apply what is pending on an open session; the ids that were applied."""
    done: list[str] = []
    while True:
        todo = pending(folders, session.applied(), to)
        first = todo[0] if todo else None
        if first and progress:
            progress(first.id, len(done), len(done) + len(todo))
        with session.unit(transactional=first is None or first.header.transactional):
            applied = session.applied()
            check_applied(_judged(applied), known(session.dialect, folders))
            # Another process may have been faster while this one waited: then look again.
            if first in pending(folders, applied, to)[:1]:
                _apply(session, folders, first, app_role)
                done.append(first.id)
            elif first is None:
                _cover(session, folders, app_role)
                return done


def rollback(
    target: Target,
    *,
    to: str,
    app_role: str | None = None,
    progress: Progress | None = None,
    folders: Sequence[Path] = (),
) -> list[str]:
    """Undo what was applied after `to` (a number or an id, which stays; 0000 undoes all); the undone ids, newest first.

    Raises: SchemaError, when one has no rollback file or this program does not know it; MigrationFailed.
    """
    where = folders_or_ours(folders)
    with _database(target).open_session(target) as session:
        check_applied(_judged(session.applied()), known(session.dialect, where))
        todo = _after(where, session.applied() or (), to)
        for done, migration in enumerate(todo):
            if progress:
                progress(migration.id, done, len(todo))
            with session.unit():
                session.roll_back(migration, _coverage(session, where, app_role).history)
                _cover(session, where, app_role)
        return [one.id for one in todo]


def status(target: Target, *, folders: Sequence[Path] = ()) -> list[Row]:
    """Every migration that is in a folder or was applied, in order of id; nothing is changed."""
    where = folders_or_ours(folders)
    applied = {row.migration_id: row for row in _database(target).read_applied(target) or ()}
    ours = known(target.dialect, where)
    rows = [Row(name, _state(row, ours), row.phase, row.applied_at) for name, row in applied.items()] + [
        Row(one.id, "pending", one.header.phase, None) for one in pending(where, applied.values(), None)
    ]
    return sorted(rows, key=lambda row: row.id)


def _state(row: Applied, known: Known) -> Literal["applied", "edited", "unknown"]:
    if row.migration_id not in known.sha256:
        return "unknown"
    return "applied" if known.sha256[row.migration_id] == row.sha256 else "edited"


def pending(folders: Sequence[Path], applied: Iterable[Applied] | None, to: str | None) -> list[Migration]:
    """What `folders` hold and was not applied, up to and with `to`, each after those that it depends on.

    Raises: SchemaError when nothing is called `to`.
    """
    ids = {row.migration_id for row in applied or ()}
    migrations = _ordered(folders)
    end = len(migrations) if to is None else _place(migrations, to) + 1
    return [one for one in migrations[:end] if one.id not in ids]


def _ordered(folders: Sequence[Path]) -> list[Migration]:
    migrations = read_migrations(folders)
    if not any(one.header.depends for one in migrations):
        return migrations
    from aiconsql.engine.dialect.steps import in_order

    return in_order(migrations)


def _place(migrations: Sequence[Migration], name: str) -> int:
    """Where the migration with this number or id stands."""
    for at, one in enumerate(migrations):
        if name == one.id or (name.isdecimal() and int(name) == one.number):
            return at
    raise SchemaError(f"{name}: no migration has this number or id", hint="aiconsql migrate --status shows them all")


def _after(folders: Sequence[Path], applied: Iterable[Applied], to: str) -> list[Migration]:
    ids = {row.migration_id for row in applied}
    migrations = _ordered(folders)
    if unknown := sorted(ids - {one.id for one in migrations}):
        raise SchemaError(f"{', '.join(unknown)}: unknown here, roll back with the program that applied it")
    begin = 0 if to.isdecimal() and not int(to) else _place(migrations, to) + 1
    return [one for one in reversed(migrations[begin:]) if one.id in ids]


def _apply(session: Session, folders: Sequence[Path], migration: Migration, app_role: str | None) -> None:
    session.apply(migration, _coverage(session, folders, app_role).history)
    # With each migration, not after the last: a table must not be there without its history and its policy.
    with session.transaction():
        _cover(session, folders, app_role)


def _cover(session: Session, folders: Sequence[Path], app_role: str | None) -> None:
    coverage = _coverage(session, folders, app_role)
    # A newer program that migrated here also wrote newer triggers.
    if coverage.tables and not coverage.is_older:
        session.cover(coverage)


def _coverage(session: Session, folders: Sequence[Path], app_role: str | None) -> Coverage:
    from aiconsql.engine.dialect.session import Coverage

    ids = {row.migration_id for row in session.applied() or ()}
    migrations = [one for one in read_migrations(folders) if one.id in ids]
    history = {tracked.table: tracked for one in migrations for tracked in one.header.history}
    return Coverage(
        history=tuple(history.values()),
        privileges={table: words for one in migrations for table, words in one.header.privileges.items()},
        tables=frozenset(word for one in migrations for word in _WORD.findall(one.forward[""].text)),
        app_role=app_role,
        is_older=len(ids) > len(migrations),
    )


def _judged(applied: Iterable[Applied] | None) -> list[tuple[str, str, int]]:
    return [(row.migration_id, row.sha256, row.oldest_code) for row in applied or ()]


def _database(target: Target) -> Any:
    """The dialect's module."""
    return import_module(f"aiconsql.engine.dialect.migrate_{target.dialect}")
