"""`aiconsql query`: run one named query with parameters from the command line."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import Annotated, Any

import typer

from aiconsql.engine.operation import Query
from aiconsql.engine.queries import Statement, catalogue

from .common import Usage, common
from .output import say, say_json, say_pairs, say_table
from .values import read_value

_INTERNAL = "unit"  # the noun whose queries surround every unit of work


def query(
    ctx: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Such as aicons.find_by_name.", show_default=False)
    ] = None,
    parameters: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="k=v…", help="Its parameters; arrays and documents as JSON, bytes in hex.", show_default=False
        ),
    ] = None,
    *,
    null: Annotated[list[str] | None, typer.Option(metavar="K", help="This parameter is NULL.")] = None,
    write: Annotated[bool, typer.Option("--write", help="Let the query change rows.")] = False,
    list_all: Annotated[bool, typer.Option("--list", help="Show all queries.", envvar="AICONSQL_QUERY_LIST")] = False,
) -> None:
    """Run a named query of sql/, read-only unless --write."""
    shared = common(ctx)
    if list_all:
        _list(as_json=shared.as_json)
        return
    if name is None:
        raise Usage("query needs the NAME of a query", hint="aiconsql query --list shows them all")
    statement = _allowed(name, write=write)
    params = _params(statement, parameters or [], null or [])
    with shared.connect(reason="aiconsql query") as db:
        # Reads run where the database itself refuses a write, too.
        result = db.run(lambda: _once(name, params), reads=not write)
    if shared.as_json:
        say_json(result)
    else:
        _show(statement, result)


def _once(name: str, params: Mapping[str, Any]) -> Generator[Query, Any, Any]:
    return (yield Query(name, params, last=True))


def _allowed(name: str, *, write: bool) -> Statement:
    statement = catalogue()[name]
    if name.partition(".")[0] == _INTERNAL:
        raise Usage(f"{name} belongs to aiconsql's own units of work and cannot be run alone")
    if _writes(statement) and not write:
        raise Usage(f"{name} changes rows", hint="--write runs it")
    return statement


def _writes(statement: Statement) -> bool:
    return statement.kind == "count" or statement.postgresql.split(maxsplit=1)[0].upper() not in ("SELECT", "WITH")


def _params(statement: Statement, given: list[str], null: list[str]) -> dict[str, Any]:
    texts = dict(_pair(one) for one in given)
    takes = ", ".join(f"{key}={kind}" for key, kind in statement.params.items()) or "none"
    if unknown := sorted({*texts, *null} - statement.params.keys()):
        raise Usage(f"{statement.name} has no parameter {unknown[0]}", hint=f"its parameters: {takes}")
    if missing := [key for key in statement.params if key not in texts and key not in null]:
        hint = f"its parameters: {takes}; --null {missing[0]} for NULL"
        raise Usage(f"{statement.name} lacks {', '.join(missing)}", hint=hint)
    return {key: None if key in null else _read(key, texts[key], kind) for key, kind in statement.params.items()}


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise Usage(f"{text}: a parameter is written k=v")
    return key, value


def _read(key: str, text: str, kind: str) -> Any:
    try:
        return read_value(text, kind)
    except ValueError as error:
        raise Usage(f"{key}: {kind} expected: {error}") from error


def _list(*, as_json: bool) -> None:
    found = catalogue()
    statements = [found[name] for name in found.queries if name.partition(".")[0] != _INTERNAL]
    if as_json:
        say_json([_described(one, found.queries[one.name]) for one in statements])
        return
    rows = [(s.name, ", ".join(s.params), "writes" if _writes(s) else "", s.doc.partition(".")[0]) for s in statements]
    say_table(("query", "parameters", "", "what it does"), rows)


def _described(one: Statement, raw: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": one.name,
        "doc": one.doc,
        "kind": one.kind,
        "writes": _writes(one),
        "params": dict(one.params),
        "columns": dict(one.columns),
        "file": raw["file"],
        "line": raw["line"],
    }


def _show(statement: Statement, result: Any) -> None:
    show: Mapping[str, Callable[[Any], None]] = {"count": _show_count, "one": _show_row, "rows": _show_rows}
    show[statement.kind](result)


def _show_count(count: int) -> None:
    say(f"{count} rows changed")


def _show_row(row: Mapping[str, Any] | None) -> None:
    if row is None:
        say("no row")
    else:
        say_pairs(row)


def _show_rows(rows: list[dict[str, Any]]) -> None:
    if rows:
        say_table(tuple(rows[0]), [tuple(row.values()) for row in rows])
    else:
        say("no row")
