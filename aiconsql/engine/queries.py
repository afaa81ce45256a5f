"""The named queries: read from the generated map, ready for either database."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from aiconsql.errors import Misuse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Kind = Literal["one", "rows", "count"]
MAP = Path(__file__).parent / "dialect" / "map.json"


@dataclass(frozen=True, slots=True)
class LiteStatement:
    """One statement for SQLite; with `each`, run once per element of those array parameters."""

    sql: str
    params: tuple[str, ...]
    each: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Statement:
    """A named query on both databases, with the types of its parameters and columns."""

    name: str
    doc: str
    kind: Kind
    params: Mapping[str, str]
    postgresql: str
    columns: tuple[tuple[str, str], ...]
    sqlite: tuple[LiteStatement, ...]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The whole map: queries, the columns of the tables, and the migrations as SQLite gets them."""

    queries: Mapping[str, Mapping[str, Any]]
    tables: Mapping[str, Mapping[str, str]]
    migrations: Mapping[str, Mapping[str, str]]

    def __getitem__(self, name: str) -> Statement:
        try:
            return _statement(name)
        except KeyError:
            raise Misuse(f"{name}: no such query", hint="aiconsql query --list shows them all") from None


@lru_cache(maxsize=1)
def catalogue() -> Catalogue:
    """The map shipped with this installation, read once."""
    raw = json.loads(MAP.read_bytes())
    return Catalogue(raw["queries"], raw["tables"], raw["migrations"])


@cache
def _statement(name: str) -> Statement:
    raw = catalogue().queries[name]
    return Statement(
        name,
        raw["doc"],
        raw["kind"],
        dict(raw["params"]),
        raw["postgresql"],
        tuple((column, kind) for column, kind in raw["columns"]),
        tuple(LiteStatement(one["sql"], tuple(one["params"]), one["each"]) for one in raw["sqlite"]),
    )


def shape(kind: Kind, rows: Sequence[dict[str, Any]], count: int) -> Any:
    """What the suffix promises: ``^`` a row or None, ``!`` a row count, none a list of rows."""
    if kind == "one":
        return rows[0] if rows else None
    return count if kind == "count" else rows
