"""What PostgreSQL's and libpq's errors mean."""

from __future__ import annotations

import json
import re
from typing import Any

import psycopg

from aiconsql.engine.unit import Again
from aiconsql.errors import (
    AiconsqlError,
    Conflict,
    Corrupt,
    InvalidValue,
    NotFound,
    NotMigrated,
    Refused,
    SettingsError,
    Unavailable,
)

_RETRY = {"40001", "40P01"}  # serialization failure, deadlock
_BUSY = {"55P03": "a lock was not free in time", "57014": "the statement took too long or was cancelled"}
_UNMIGRATED = {"42P01", "42883", "3F000", "42703"}  # table, function, schema, column


def _detail(error: psycopg.Error) -> dict[str, Any]:
    return dict(json.loads(error.diag.message_detail or "{}"))


def _ours(state: str, error: psycopg.Error) -> AiconsqlError:
    """The errors that functions of migrations/0001.vocabulary.sql and the history triggers raise."""
    text = error.diag.message_primary or state
    if state == "AIC01":
        return Conflict(text, **_detail(error))
    if state == "AIC02":
        return Corrupt(text, hint="save the object again as a whole")
    if state == "AIC03":
        return NotFound(text)
    if state == "AIC05":
        return InvalidValue(text, where=f"{_detail(error)['key']}.value")
    return Refused(text)


# While connecting there is no SQLSTATE, only the server's or libpq's text.
_ACCOUNT = (
    r"authentication failed|no password supplied|no pg_hba.conf entry|no such user|not permitted to log in"
    r"|role .* does not exist"
)
_PARAMETERS = (
    r"invalid .* value|invalid port number|could not (open|load|read) .*(certificate|private key)"
    r"|root certificate file|does not support SSL"
)
_REFUSED = {
    re.compile(_ACCOUNT): "check user and password of the database URL",
    re.compile(r"database .* does not exist|no such database"): "create the database first",
    re.compile("permission denied for database"): "grant the role CONNECT on the database",
    re.compile(_PARAMETERS): "check the parameters of the database URL",
}
_PASSING = re.compile(
    r"(starting up|shutting down|recovery mode|too many (clients|connections)|remaining connection slots)"
)


def _refusal(error: psycopg.Error) -> str | None:
    """The hint for a connection that is refused for a reason that stays, else None."""
    text = str(error)
    return next((hint for pattern, hint in _REFUSED.items() if pattern.search(text)), None)


def is_permanent(error: psycopg.Error) -> bool:
    """Whether connecting again would fail the same way: wrong password, no such database, a bad parameter."""
    return _refusal(error) is not None


def is_passing(error: psycopg.Error) -> bool:
    """Whether the server is there and will take connections soon."""
    return bool(_PASSING.search(str(error)))


def is_last_word(error: psycopg.Error) -> bool:
    """Whether the server closes the connection with this error."""
    return error.diag.severity_nonlocalized in ("FATAL", "PANIC")


def explain(error: psycopg.Error, where: str) -> AiconsqlError:  # noqa: PLR0911 - a table of what there is
    """Our error for the driver's; `where` is the query or the database it happened at. Never shows data or secrets."""
    state = error.sqlstate or ""
    text = error.diag.message_primary or str(error).partition("\n")[0] or type(error).__name__
    if state.startswith("AIC"):
        return _ours(state, error)
    if state in _RETRY:
        return Again(f"{where}: {text}", hint="other writers were faster each time; try again later")
    if state in _BUSY:
        return Unavailable(f"{where}: {_BUSY[state]}", hint="try again later")
    if state in _UNMIGRATED:
        return NotMigrated(f"{where}: {text}", hint="run: aiconsql migrate")
    if not state and (hint := _refusal(error)):
        return SettingsError(f"{where}: {text}", hint=hint)
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return Unavailable(f"{where}: {text}", hint="try again later")
    return Refused(f"{where}: {text}")
