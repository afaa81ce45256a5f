"""PostgreSQL through psycopg: how a statement is bound and read, and what its errors mean."""

from __future__ import annotations

import functools
import logging
import re
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import pq
from psycopg.adapt import AdaptersMap, Dumper, Loader

from aiconsql.codec.texts import decode_json
from aiconsql.engine.queries import Statement, catalogue, shape

from . import wire
from .identifiers import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aiconsql.engine.dialect.url import Target
    from aiconsql.engine.unit import Session

# Defaults that never hang; keepalives also notice a peer that vanished.
CONNECT_OPTIONS: Mapping[str, Any] = {
    "autocommit": True,
    "application_name": "aiconsql",
    "keepalives_idle": 10,  # seconds
    "keepalives_interval": 5,  # seconds
    "keepalives_count": 2,
    "tcp_user_timeout": 15_000,  # milliseconds
}
# psycopg warns of each error of a pipeline that we raise anyway, and of a query that ends with its connection.
_RAISED_ANYWAY = ("error ignored terminating", "query cancellation interrupted", "query not terminated")
logging.getLogger("psycopg").addFilter(lambda record: not record.getMessage().startswith(_RAISED_ANYWAY))


class _Bound:
    """A value in binary with the type of its parameter; NULL has the type too, so that a query is prepared once."""

    __slots__ = ("data",)

    def __init__(self, data: bytes | None) -> None:
        self.data = data


class _Timestamptz(Loader):
    format = pq.Format.BINARY

    def load(self, data: Any) -> Any:
        return wire.timestamptz(data)


class _Json(Loader):
    format = pq.Format.BINARY

    def load(self, data: Any) -> Any:
        return decode_json(bytes(data).decode())


class _Jsonb(_Json):
    def load(self, data: Any) -> Any:
        return super().load(data[1:])  # without the format's version


def _adapters() -> tuple[AdaptersMap, Mapping[str, type[_Bound]]]:
    """psycopg's adapters with ours, and the class that binds each type."""
    adapters = AdaptersMap(psycopg.adapters)
    bound = {}
    for name, oid in wire.OIDS.items():
        kind = type(f"Bound{oid}", (_Bound,), {"__slots__": ()})
        dumper = type(
            f"Dumper{oid}",
            (Dumper,),
            {"oid": oid, "format": pq.Format.BINARY, "dump": lambda _self, value: value.data},
        )
        adapters.register_dumper(kind, dumper)
        bound[name] = kind
    adapters.register_loader("timestamptz", _Timestamptz)
    adapters.register_loader("json", _Json)
    adapters.register_loader("jsonb", _Jsonb)
    return adapters, bound


ADAPTERS, _BOUND = _adapters()


class _Context:
    """What psycopg asks for the adapters of a new connection."""

    adapters = ADAPTERS
    connection = None


def connect_options(target: Target, timeout_s: float | None = None) -> dict[str, Any]:
    """psycopg's keywords for a connection to `target` that is open within `timeout_s`, at best 2 seconds."""
    timeout_s = max(2, round(target.timeout_s if timeout_s is None else timeout_s))
    return {**CONNECT_OPTIONS, "connect_timeout": timeout_s, **target.conninfo, "context": _Context()}


def bind(statement: Statement, params: Mapping[str, Any]) -> list[_Bound]:
    """The parameters of one call, in the order of the statement.

    Raises:
        InvalidValue: a value does not fit; KeyError: a parameter is missing.
    """
    where = statement.name
    return [_BOUND[kind](wire.encode(params[name], kind, f"{where}.{name}")) for name, kind in statement.params.items()]


# What the regular expression names is kept as it stands; other space and comments are nothing to the server.
_KEPT_OR_SPACE = re.compile(
    r"""('(?:[^']|'')*'|"[^"]*"|\$(\w*)\$.*?\$\2\$)|(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)+""", re.DOTALL
)


@functools.cache
def compiled(statement_text: str) -> bytes:
    """A statement as it travels: without comments, lines and columns."""
    return _KEPT_OR_SPACE.sub(lambda match: match[1] or " ", statement_text).strip().encode()


def types(statement: Statement) -> tuple[int, ...]:
    """The types of the parameters, in their order."""
    return tuple(wire.OIDS[kind] for kind in statement.params.values())


# A new object's next save changes it: prepared together with the first, it is no larger than later ones.
_FOLLOWERS = {"create": ("hold", "set", "require"), "add": ("set", "require")}


def followers(statement: Statement) -> list[Statement]:
    """The statements that are worth preparing together with this one."""
    queries = catalogue()
    noun, _, verb = statement.name.partition(".")
    found = (f"{noun}.{follower}" for follower in _FOLLOWERS.get(verb, ()))
    return [queries[name] for name in found if name in queries.queries]


def read(statement: Statement, cursor: psycopg.Cursor[Any] | psycopg.AsyncCursor[Any], rows: Sequence[Any]) -> Any:
    """The reply of one call: what the query's suffix promises."""
    names = [column for column, _ in statement.columns]
    return shape(statement.kind, [dict(zip(names, row, strict=True)) for row in rows], cursor.rowcount)


def configuration(session: Session, write_id: str | None, *, reads: bool) -> dict[str, str | None]:
    """Parameters of the query that opens each unit."""
    return {
        "tenant": session.tenant,
        "actor": session.actor,
        "reason": session.reason or "",
        "write_id": write_id or "",
        "search_path": f"{quoted(session.schema)}, pg_temp" if session.schema else None,
        "statement_timeout": _interval(session.statement_timeout_s),
        "lock_timeout": _interval(session.lock_timeout_s),
        "read_only": "on" if reads else "off",
    }


def _interval(seconds: float) -> str:
    """A time limit as PostgreSQL's settings read it; 0 would mean none."""
    return f"{seconds:.0f}s" if seconds >= 1 and seconds == int(seconds) else f"{max(1, round(seconds * 1000))}ms"
