"""The named queries as they stand in .sql files, read through aiosql's loader; overrides for SQLite beside them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from aiconsql.errors import Misuse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

_KINDS = {"SELECT": "rows", "SELECT_ONE": "one", "INSERT_UPDATE_DELETE": "count"}
_OVERRIDES = "sqlite"


@dataclass(frozen=True, slots=True)
class SqlQuery:
    """One query of a file. `name` is "<noun>.<query>", `kind` "rows", "one" or "count", `params` in declared order."""

    name: str
    doc: str
    kind: str
    params: tuple[str, ...]
    sql: str
    file: str
    line: int

    @property
    def for_owner(self) -> bool:
        """Whether the doc says `owner: why`: it runs over all tenants."""
        return any(line.startswith("owner:") for line in self.doc.splitlines())


def load_queries(folder: Path) -> dict[str, SqlQuery]:
    """The queries of <folder>/<wing>/<noun>.sql by name, in the order of names.

    Raises:
        Misuse: a file that cannot be read, or a noun that two wings have.
    """
    paths = [p for p in _files(folder) if p.relative_to(folder).parts[0] != _OVERRIDES]
    nouns: dict[str, Path] = {}
    for path in paths:
        if path.stem in nouns:
            raise Misuse(
                f"{path.stem}: in {nouns[path.stem].parent.name}/ and in {path.parent.name}/; nouns are unique"
            )
        nouns[path.stem] = path
    return _by_name(query for path in paths for query in _read(path, folder))


def load_overrides(folder: Path, queries: Mapping[str, SqlQuery]) -> dict[str, SqlQuery]:
    """The overrides of <folder>/sqlite/<wing>/<noun>.sql by name.

    Raises:
        Misuse: one that overrides nothing, or with another suffix, other parameters or in another place.
    """
    paths = _files(folder / _OVERRIDES)
    overrides = _by_name(query for path in paths for query in _read(path, folder))
    for name, override in overrides.items():
        _check_override(override, queries.get(name))
    return overrides


def _check_override(override: SqlQuery, query: SqlQuery | None) -> None:
    place = f"{override.file}:{override.line} {override.name}"
    if query is None:
        raise Misuse(f"{place}: overrides no query")
    if (override.kind, override.params) != (query.kind, query.params):
        raise Misuse(f"{place}: its suffix or parameters differ from those of {query.file}:{query.line}")
    head, _, rest = query.file.rpartition(f"/{query.file.split('/')[-2]}/")
    if override.file != f"{head}/{_OVERRIDES}/{query.file.split('/')[-2]}/{rest}":
        raise Misuse(f"{place}: stands in another folder than the query it overrides")


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/*.sql"))


def _by_name(queries: Iterable[SqlQuery]) -> dict[str, SqlQuery]:
    found: dict[str, SqlQuery] = {}
    for query in queries:
        if query.name in found:
            raise Misuse(f"{query.file}:{query.line} {query.name}: a second query of this name")
        found[query.name] = query
    return dict(sorted(found.items()))


class _Verbatim:
    """An adapter for aiosql that leaves the SQL as it is."""

    def process_sql(self, _name: str, _operation: Any, sql: str) -> str:
        return sql


def _read(path: Path, folder: Path) -> Iterator[SqlQuery]:
    from aiosql.query_loader import QueryLoader
    from aiosql.utils import SQLParseException

    file = f"{folder.name}/{path.relative_to(folder).as_posix()}"
    text = path.read_text(encoding="utf-8")
    try:
        data: Sequence[Any] = QueryLoader(cast("Any", _Verbatim()), None).load_query_data_from_sql(text, [], path)
    except SQLParseException as error:
        raise Misuse(f"{file}: {error}") from error
    for datum in data:
        line, doc = _place(text, datum.query_name)
        kind = _KINDS.get(datum.operation_type.name)
        if kind is None:
            raise Misuse(
                f"{file}:{line} {datum.query_name}: the suffixes are none (rows), ^ (row or none) and ! (count)"
            )
        if not doc:
            raise Misuse(
                f"{file}:{line} {datum.query_name}: a query says in a sentence what it does and what comes back"
            )
        sql = datum.sql.strip().rstrip(";").rstrip()
        name = f"{path.stem}.{datum.query_name}"
        yield SqlQuery(name, doc, kind, tuple(datum.parameters or ()), sql, file, line)


def _place(text: str, name: str) -> tuple[int, str]:
    """The line of a query's name, and the comment that follows it."""
    found = re.search(rf"^-- *name *: *{re.escape(name)}\b", text, re.MULTILINE)
    line = text.count("\n", 0, found.start()) + 1 if found else 1
    doc: list[str] = []
    for following in text.splitlines()[line:]:
        if not following.startswith("--"):
            break
        doc.append(following.lstrip("-").strip())
    return line, "\n".join(doc)
