"""
Migration files: their names, their header lines and what must hold between them.

A file NNNN.words.sql is PostgreSQL's; NNNN.words.<dialect>.sql stands in its place on that database alone, and
.rollback.sql before the end undoes either. Header lines stand in the leading comment of NNNN.words.sql.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from aiconsql.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

_FILE = re.compile(r"(?P<id>(?P<number>\d{4})\.[A-Za-z0-9_-]+)(?:\.(?P<dialect>sqlite))?(?P<rollback>\.rollback)?\.sql")
_DIRECTIVE = re.compile(r"\s*--\s*(?P<name>[a-z]+(?: code)?)\s*:\s*(?P<value>.*?)\s*")
_PHASE = re.compile(r"\s*--\s*(pre|post)\s*")
_COMMENT = re.compile(r"\s*(--.*)?")
# A trigger's name is its table's with up to 15 letters more; PostgreSQL cuts names after 63.
_WORD = re.compile(r"[a-z_][a-z0-9_]{0,46}")
_PRIVILEGES = frozenset({"select", "insert", "update", "delete"})
_FORMS = {"phase": "pre|post", "transactional": "true|false", "oldest code": "NNNN"}
_DIRECTIVES = ("history", "application", "oldest code", "depends", "transactional")


@dataclass(frozen=True)
class Tracked:
    """A table whose changes are kept, as one `-- history:` line declares it.

    `owner` and `key` are columns; so are `content` (packed part addresses) and `self_version`, when there are
    any. `part_of` is the table of the wholes that the rows are parts of, None when they stand for themselves.
    """

    table: str
    owner: str
    key: str
    content: str | None = None
    self_version: str | None = None
    part_of: str | None = None


@dataclass(frozen=True)
class Script:
    """The text of one file; `sha256` is that of its bytes, with Unix line ends."""

    path: Path
    text: str
    sha256: str


@dataclass(frozen=True)
class Header:
    """What the leading comment of a migration declares."""

    phase: str = "pre"
    oldest_code: int = 0
    depends: tuple[str, ...] = ()
    transactional: bool = True
    history: tuple[Tracked, ...] = ()
    privileges: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Migration:
    """One numbered change of the schema. The keys of `forward` and `backward` are dialects, "" is all others'."""

    id: str
    number: int
    header: Header
    forward: Mapping[str, Script]
    backward: Mapping[str, Script]

    def script(self, dialect: str) -> Script:
        """The file that is applied on this database."""
        return self.forward.get(dialect) or self.forward[""]

    def is_written_for(self, dialect: str) -> bool:
        """Whether that file is in the database's own dialect and is taken as it is."""
        return dialect in self.forward

    def rollback_script(self, dialect: str) -> Script | None:
        """The file that undoes it on this database, or None."""
        return self.backward.get(dialect) or self.backward.get("")


def read_migrations(folders: Sequence[Path]) -> list[Migration]:
    """The migrations of `folders`, in order of folder and number.

    Raises: SchemaError, naming file and line: a bad name or header, a number twice, a gap, a variant without its file.
    """
    found = [migration for folder in folders for migration in _read_folder(folder)]
    ids = [migration.id for migration in found]
    for migration in found:
        file = migration.forward[""].path.name
        if ids.count(migration.id) > 1:
            raise SchemaError(f"{file}: two folders hold a migration of this name")
        for other in migration.header.depends:
            if other not in ids:
                raise SchemaError(f"{file}: depends on {other}, which no folder holds")
    return found


def _read_folder(folder: Path) -> list[Migration]:
    if not folder.is_dir():
        raise SchemaError(f"{folder}: no such folder of migrations")
    files: dict[str, dict[tuple[bool, str], Path]] = {}
    for path in sorted(folder.glob("*.sql")):
        match = _FILE.fullmatch(path.name)
        if match is None:
            raise SchemaError(f"{path}: a migration is named NNNN.words.sql, with .sqlite or .rollback before .sql")
        files.setdefault(match["id"], {})[bool(match["rollback"]), match["dialect"] or ""] = path
    _check_numbers(list(files), folder)
    return [_read_migration(name, paths) for name, paths in files.items()]


def _check_numbers(ids: Iterable[str], folder: Path) -> None:
    by_number: dict[str, str] = {}
    for name in ids:
        other = by_number.setdefault(name[:4], name)
        if other != name:
            raise SchemaError(f"{folder / name}.sql: its number is that of {other}.sql")
        if int(name[:4]) != len(by_number):
            raise SchemaError(f"{folder / name}.sql: there is a gap before it, {len(by_number):04} is missing")


def _read_migration(name: str, paths: Mapping[tuple[bool, str], Path]) -> Migration:
    forward = {dialect: _read(path) for (rollback, dialect), path in paths.items() if not rollback}
    backward = {dialect: _read(path) for (rollback, dialect), path in paths.items() if rollback}
    if "" not in forward:
        alone = next(iter(paths.values()))
        raise SchemaError(f"{alone}: stands alone, {name}.sql is missing")
    for script in (*(forward[dialect] for dialect in forward if dialect), *backward.values()):
        _refuse_directives(script, script.text.splitlines(), first=1, reason=f"header lines stand in {name}.sql")
    return Migration(name, int(name[:4]), _read_header(forward[""], int(name[:4])), forward, backward)


def _read(path: Path) -> Script:
    at = path.stat()
    return _read_version(path, at.st_mtime_ns, at.st_size)


@lru_cache(maxsize=1024)
def _read_version(path: Path, _mtime_ns: int, _size: int) -> Script:
    # A checkout with other line ends is not an edit.
    content = path.read_bytes().replace(b"\r\n", b"\n")
    try:
        return Script(path, content.decode(), hashlib.sha256(content).hexdigest())
    except UnicodeDecodeError as error:
        raise SchemaError(f"{path}: is not UTF-8") from error


def _read_header(script: Script, number: int) -> Header:
    lines = script.text.splitlines()
    length = next((at for at, line in enumerate(lines) if not _COMMENT.fullmatch(line)), len(lines))
    _refuse_directives(script, lines[length:], first=length + 1, reason="header lines stand above the first statement")
    values: dict[str, list[tuple[int, str]]] = {}
    for at, line in enumerate(lines[:length], 1):
        if match := _DIRECTIVE.fullmatch(line):
            _refuse_misspelt(script, at, match["name"])
            values.setdefault(match["name"], []).append((at, match["value"]))
        elif match := _PHASE.fullmatch(line):
            values.setdefault("phase", []).append((at, match[1]))
    oldest = _single(script, values, "oldest code", "0000")
    if int(oldest) > number:
        raise SchemaError(f"{script.path}: oldest code {oldest} is newer than the migration itself")
    return Header(
        phase=_single(script, values, "phase", "pre"),
        oldest_code=int(oldest),
        depends=tuple(word for _, value in values.get("depends", []) for word in value.split()),
        transactional=_single(script, values, "transactional", "true") == "true",
        history=tuple(_tracked(script, at, value) for at, value in values.get("history", [])),
        privileges=dict(_privileges(script, at, value) for at, value in values.get("application", [])),
    )


def _refuse_directives(script: Script, lines: Iterable[str], *, first: int, reason: str) -> None:
    for at, line in enumerate(lines, first):
        match = _DIRECTIVE.fullmatch(line)
        if match and match["name"] in _DIRECTIVES:
            raise _bad(script, at, reason)


def _refuse_misspelt(script: Script, at: int, name: str) -> None:
    # A misspelt `-- histroy:` would be a comment, and the table's history would silently be empty.
    if name in _DIRECTIVES:
        return
    from difflib import get_close_matches

    if close := get_close_matches(name, _DIRECTIVES, n=1, cutoff=0.8):
        raise _bad(script, at, f"unknown header line {name!r}, did you mean {close[0]!r}")


def _single(script: Script, values: Mapping[str, list[tuple[int, str]]], name: str, default: str) -> str:
    if name not in values:
        return default
    (at, value), *more = values[name]
    if more:
        raise _bad(script, more[0][0], f"a second line for {name}")
    if not re.fullmatch(_FORMS[name].replace("N", r"\d"), value):
        raise _bad(script, at, f"{name} is {_FORMS[name]}, not {value!r}")
    return value


def _tracked(script: Script, at: int, value: str) -> Tracked:
    table, *words = value.split() or [""]
    options = dict(word.partition("=")[::2] for word in words)
    names = [table, *options.values()]
    known = {"owner", "key", "content", "self", "part-of"}
    fits = {"owner", "key"} <= options.keys() <= known and len(options) == len(words)
    if not fits or not all(map(_WORD.fullmatch, names)):
        raise _bad(script, at, "history is: table owner=… key=… [content=…] [self=…] [part-of=…]")
    if "self" in options and "part-of" in options:
        raise _bad(script, at, "a part has no version of its own columns: self or part-of, not both")
    return Tracked(
        table, options["owner"], options["key"], options.get("content"), options.get("self"), options.get("part-of")
    )


def _privileges(script: Script, at: int, value: str) -> tuple[str, tuple[str, ...]]:
    table, _, words = value.partition(" ")
    privileges = tuple(word.strip().lower() for word in words.split(",") if word.strip())
    if not _WORD.fullmatch(table) or not privileges or not _PRIVILEGES.issuperset(privileges):
        raise _bad(script, at, "application is: table select, insert, update, delete (those that it needs)")
    return table, privileges


def _bad(script: Script, line: int, message: str) -> SchemaError:
    return SchemaError(f"{script.path}:{line}: {message}")
