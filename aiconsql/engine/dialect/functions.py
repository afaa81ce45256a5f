"""
What SQLite is taught: every function that a translated query may call, with PostgreSQL's meaning.

`teach(connection, context)` registers them. They are for queries only: schema objects use the functions of a bare
sqlite3. It reports an exception of a taught function as "user-defined function raised exception", without its text,
so the exception is kept in `context.error`, from where the runner raises it; it clears it before each statement.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aiconsql.engine.dialect import taught_json, taught_times, taught_values
from aiconsql.engine.dialect.taught_times import timestamp_text
from aiconsql.engine.dialect.taught_values import TaughtError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

__all__ = ["Context", "TaughtError", "now_text", "teach"]


@dataclass(slots=True)
class Context:
    """What the taught functions of one connection know: the tenant, and the exception that one of them raised last."""

    tenant: str = "default"
    error: Exception | None = None


def now_text() -> str:
    """The clock as SQLite keeps moments: UTC, 32 characters."""
    return timestamp_text(datetime.now(UTC))


def teach(connection: sqlite3.Connection, context: Context) -> None:
    """Register every function that a query may call, and make LIKE mind case as PostgreSQL does.

    The tenant is read from `context` at each statement, so changing it there changes the tenant of the connection.
    """
    connection.create_function("current_tenant", 0, lambda: context.tenant, deterministic=True)
    for name in ("aiconsql_now", "clock_timestamp"):
        connection.create_function(name, 0, now_text)
    for module in (taught_values, taught_times, taught_json):
        for name, (arguments, function) in module.FUNCTIONS.items():
            # They raise, and SQLite may move a deterministic call: none is declared so.
            connection.create_function(name, arguments, _kept(context, function))
    connection.execute("PRAGMA case_sensitive_like = ON")


def _kept(context: Context, function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, whose exception is kept in the context; a value it cannot read is told as PostgreSQL's 22023."""
    name = getattr(function, "__name__", "function").strip("_")

    def called(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except TaughtError as error:
            context.error = error
            raise
        except (ArithmeticError, ValueError, RecursionError) as error:
            context.error = TaughtError("22023", {"function": name, "problem": str(error)})
            raise context.error from error

    return called
