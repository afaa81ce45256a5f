"""SQLite through the standard library: connections, values, and what its errors mean."""

from __future__ import annotations

import math
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from aiconsql.codec.texts import decode_json
from aiconsql.engine.queries import LiteStatement, Statement, shape
from aiconsql.errors import (
    AiconsqlError,
    Conflict,
    Corrupt,
    InvalidValue,
    NotFound,
    NotMigrated,
    Refused,
    Unavailable,
)

from . import functions
from .wire import storable, unfit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_INTEGERS = {"smallint": 2**15, "integer": 2**31, "bigint": 2**63}


def text_time(value: datetime) -> str:
    """An instant as SQLite keeps it: one fixed width in UTC, so that text order is time order."""
    if value.tzinfo is None:
        raise ValueError("a datetime without time zone")
    return value.astimezone(UTC).isoformat(timespec="microseconds")


def _integer(value: Any, limit: int) -> int:
    number = value.__index__()
    if not -limit <= number < limit:
        raise OverflowError(number)
    return int(number)


def _real(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError("not finite")  # SQLite would keep NULL
    return number


def _text(value: str) -> str:
    storable(value)
    return str.__str__(value)


_ENCODERS: Mapping[str, Callable[[Any], Any]] = {
    "text": _text, "json": _text, "jsonb": _text, "bytea": bytes, "double precision": _real, "timestamptz": text_time,
    "boolean": lambda value: int(bool(value)),
    **{name: partial(_integer, limit=limit) for name, limit in _INTEGERS.items()},
}  # fmt: skip

_DECODERS: Mapping[str, Callable[[Any], Any]] = {
    "boolean": bool,
    "json": decode_json,
    "jsonb": decode_json,
    "timestamptz": datetime.fromisoformat,
}


def encode(value: object, type_name: str, where: str) -> Any:
    """`value` as SQLite keeps `type_name`; arrays become JSON text.

    Raises:
        InvalidValue: the value does not fit the type; `where` names the parameter.
    """
    if value is None:
        return None
    try:
        if type_name.endswith("[]"):
            import json

            one = _ENCODERS[type_name[:-2]]
            return json.dumps([None if item is None else one(item) for item in value])  # type: ignore[attr-defined]
        return _ENCODERS[type_name](value)
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise unfit(value, type_name, where, error) from error


def calls(statement: Statement, one: LiteStatement, params: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The parameter sets to run `one` with: a single one, or one per element of the arrays it takes its rows from."""
    name = statement.name
    whole = {p: encode(params[p], statement.params[p], f"{name}.{p}") for p in one.params if p not in one.each}
    if not one.each:
        return [whole]
    columns = {p: (array, statement.params[array].removesuffix("[]")) for p, array in one.each.items()}
    rows = zip(*(params[array] for array, _ in columns.values()), strict=True)
    return [
        whole
        | {
            p: encode(value, kind, f"{name}.{array}")
            for (p, (array, kind)), value in zip(columns.items(), row, strict=True)
        }
        for row in rows
    ]


def execute(connection: sqlite3.Connection, statement: Statement, params: Mapping[str, Any]) -> Any:
    """Run a named query and return what its suffix promises."""
    rows: list[tuple[Any, ...]] = []
    count = 0
    for one in statement.sqlite:
        rows, count = [], 0
        for bound in calls(statement, one, params):
            cursor = connection.execute(one.sql, bound)
            rows += cursor.fetchall()
            count += max(cursor.rowcount, 0)
    return shape(statement.kind, _decoded(statement, rows), count)


def _decoded(statement: Statement, rows: Sequence[tuple[Any, ...]]) -> list[dict[str, Any]]:
    names = [column for column, _ in statement.columns]
    decoders = [(column, _DECODERS[kind]) for column, kind in statement.columns if kind in _DECODERS]
    found = [dict(zip(names, row, strict=True)) for row in rows]
    for row in found if decoders else ():
        for column, decode in decoders:
            if row[column] is not None:
                row[column] = decode(row[column])
    return found


def check_is_database(path: str) -> None:
    """Raise Corrupt when there is a file that is no SQLite database, before anything is put beside it.

    SQLite itself must look: closing a file of our own would drop the locks of every connection in this process.
    """
    if not Path(path).is_file():
        return  # none yet, or opening it says what is wrong
    try:
        with closing(sqlite3.connect(f"{Path(path).as_uri()}?mode=ro", uri=True, timeout=0.05)) as connection:
            connection.execute("PRAGMA schema_version").fetchone()
    except sqlite3.Error as error:
        if _code(error) == sqlite3.SQLITE_NOTADB:
            raise explain(error, path) from error


def open_connection(path: str | None, *, timeout_s: float, synchronous: str, reads: bool) -> sqlite3.Connection:
    """A connection prepared as every one of ours is.

    Raises:
        Unavailable: the file cannot be opened or written. Corrupt: it is no SQLite database.
    """
    where = path or ":memory:"
    try:
        if path is None:
            return _prepared(_connect(":memory:"), synchronous, reads=False)
        check_is_database(path)
        Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Switching a new file to WAL ignores the busy timeout: only one process at a time may try.
        with FileLock(f"{path}.lock", timeout=timeout_s):
            connection = _connect(path)
            try:
                connection.execute("PRAGMA journal_mode = WAL").fetchone()
                return _prepared(connection, synchronous, reads=reads)
            except sqlite3.Error:
                connection.close()
                raise
    except Timeout as error:
        raise Unavailable(f"{where}: another process kept it locked for {timeout_s:g} s") from error
    except OSError as error:
        raise Unavailable(f"{where}: {error.strerror or error}", hint="choose a place you may write to") from error
    except sqlite3.Error as error:
        raise explain(error, where) from error


def _connect(path: str) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=0.05, cached_statements=512)


def _prepared(connection: sqlite3.Connection, synchronous: str, *, reads: bool) -> sqlite3.Connection:
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA case_sensitive_like = ON")
    connection.execute("PRAGMA synchronous = FULL" if synchronous == "full" else "PRAGMA synchronous = NORMAL")
    if reads:
        connection.execute("PRAGMA query_only = ON")
    return connection


_CANNOT_OPEN = {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH}
_SIMPLE: Mapping[int, str] = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR: "the disk reported an error",
    sqlite3.SQLITE_INTERRUPT: "the statement took too long or was cancelled",
}


def _code(error: sqlite3.Error) -> int:
    """SQLite's primary result code."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another connection holds the lock."""
    return _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def explain(error: sqlite3.Error, where: str, taught: Exception | None = None) -> AiconsqlError:  # noqa: PLR0911 - a table of what there is
    """Our error for the driver's; `taught` is what a taught function raised. Never shows data."""
    if isinstance(taught, functions.TaughtError):
        return _ours(taught)
    code = _code(error)
    if code == sqlite3.SQLITE_NOTADB:
        return Corrupt(f"{where}: not a SQLite database", hint="choose another path; the file was left as it is")
    if code == sqlite3.SQLITE_CORRUPT:
        return Corrupt(f"{where}: the database file is damaged", hint="restore a backup")
    if code in _CANNOT_OPEN:
        return Unavailable(f"{where}: {error}", hint="choose a place you may write to")
    if code in _SIMPLE:
        return Unavailable(f"{where}: {_SIMPLE[code]}")
    if is_busy(error):
        return Unavailable(f"{where}: the database is busy")
    if isinstance(error, sqlite3.OperationalError) and "no such" in str(error):
        return NotMigrated(f"{where}: {error}", hint="run: aiconsql migrate")
    if "a part of the content is missing" in str(error):
        return Corrupt(str(error), hint="save the object again as a whole")
    return Refused(f"{where}: {error}")


def _ours(error: functions.TaughtError) -> AiconsqlError:
    detail = error.detail
    if error.code == "AIC01":
        return Conflict(str(error), **detail)
    if error.code == "AIC03":
        return NotFound(str(error))
    if error.code == "AIC05":
        return InvalidValue(str(error), where=f"{detail['key']}.value")
    return Refused(str(error))
