"""
Write the map of queries: `python -m aiconsql.engine.generate`, and `--check` to see whether it is fresh.

A PostgreSQL of its own is started and migrated; every query is described there by PREPARE, carried to SQLite, and
compiled on a SQLite that was built from the carried migrations. Nothing is executed but the migrations.
"""

from __future__ import annotations

import argparse
import difflib
import hashlib
import json
import sqlite3
import sys
from typing import TYPE_CHECKING, Any

from aiconsql.engine.dialect import describe, functions, translate
from aiconsql.engine.queries import MAP
from aiconsql.engine.resources import folder
from aiconsql.engine.sqlfiles import SqlQuery, load_overrides, load_queries
from aiconsql.errors import AiconsqlError, Refused, Untranslatable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import psycopg

VERSION = 1  # of the map's layout, and of what the rules print
_SHOWN = 40  # lines of difference that --check prints


def generate(url: str, *, sql: Path | None = None, migrations: Path | None = None) -> dict[str, Any]:
    """The map, from the .sql files and an empty PostgreSQL database whose owner `url` names.

    Raises:
        Untranslatable: queries or migrations that cannot be carried over; all of them in one error.
        Refused: queries that PostgreSQL or SQLite do not take; all of them in one error.
    """
    import psycopg

    from aiconsql.engine.dialect.url import parse_url
    from aiconsql.engine.migrations import migrate

    sql, migrations = sql or folder("sql"), migrations or folder("migrations")
    migrate(parse_url(url), folders=(migrations,))
    with psycopg.connect(url, autocommit=True) as connection:
        types = describe.read_catalogue(connection)
        scripts = lite_migrations(migrations)
        queries = describe_queries(connection, types, sql)
    compile_all([*bookkeeping(migrations), *(script["sqlite"] for script in scripts.values())], queries)
    return {
        "version": VERSION,
        "inputs": inputs(sql, migrations),
        "tables": {table: {c: column.type for c, column in found.items()} for table, found in types.tables.items()},
        "migrations": scripts,
        "queries": queries,
    }


def describe_queries(connection: psycopg.Connection[Any], types: translate.Catalogue, sql: Path) -> dict[str, Any]:
    """The queries of a folder as the map has them; raises one error for all that are refused."""
    queries = load_queries(sql)
    overrides = load_overrides(sql, queries)
    return _collected(queries, lambda query: _entry(connection, types, query, overrides.get(query.name)))


def _entry(
    connection: psycopg.Connection[Any], types: translate.Catalogue, query: SqlQuery, override: SqlQuery | None
) -> dict[str, Any]:
    text, names = translate.postgres_text(query.sql)
    if set(names) != set(query.params):
        raise _at(query, f"declares {sorted(query.params)}, uses {sorted(names)}")
    try:
        described = describe.describe(connection, text)
    except Refused as error:
        raise _at(query, str(error), error.hint) from error
    params = dict(zip(names, described.params, strict=True))
    if not query.for_owner:
        translate.check_tenants(query.sql, **_place(query), types=types)
    return {
        "doc": query.doc,
        "kind": query.kind,
        "file": query.file,
        "line": query.line,
        "params": [list(item) for item in params.items()],
        "postgresql": text,
        "columns": [list(item) for item in described.columns],
        "sqlite": _lite(query, override, types, params, described.columns),
    }


def _lite(
    query: SqlQuery,
    override: SqlQuery | None,
    types: translate.Catalogue,
    params: Mapping[str, str],
    columns: Sequence[tuple[str, str]],
) -> list[dict[str, Any]]:
    if override is not None:
        texts = [text for text, _line in translate.statements(override.sql)]
        return [{"sql": text, "params": translate.parameter_names(text), "each": {}} for text in texts]
    statements, carried = translate.carry_query(query.sql, **_place(query), types=types, params=params)
    thought = [type_ for _name, type_ in carried]
    if thought != [type_ for _name, type_ in columns]:
        raise _at(query, f"the rules think its columns are {thought}, postgresql says {[t for _n, t in columns]}")
    return [{"sql": one.sql, "params": one.params, "each": one.each} for one in statements]


def _place(query: SqlQuery) -> dict[str, Any]:
    return {"file": query.file, "query": query.name, "line": query.line}


def _at(query: SqlQuery, problem: str, hint: str | None = None) -> Refused:
    return Refused(f"{query.file}:{query.line} {query.name}: {problem}", hint=hint)


def _collected(queries: Mapping[str, SqlQuery], entry: Callable[[SqlQuery], dict[str, Any]]) -> dict[str, Any]:
    """`entry` of each query; what is refused is raised together, after all were tried."""
    done: dict[str, Any] = {}
    problems: list[AiconsqlError] = []
    for name, query in queries.items():
        try:
            done[name] = entry(query)
        except (Refused, Untranslatable) as error:
            problems.append(error)
    _raise_all(problems)
    return done


def _raise_all(problems: Sequence[AiconsqlError]) -> None:
    untranslatable = [p for p in problems if isinstance(p, Untranslatable)]
    if problems and len(untranslatable) == len(problems):
        raise translate.all_refusals(untranslatable)
    if problems:
        shown = [str(p) + (f"\n    {p.hint}" if p.hint else "") for p in problems]
        raise Refused(f"queries refused: {len(problems)}\n  " + "\n  ".join(shown))


def lite_migrations(migrations: Path) -> dict[str, dict[str, str]]:
    """Each migration as SQLite runs it: NNNN.words.sqlite.sql as it stands, or what the rules carry over."""
    found: dict[str, dict[str, str]] = {}
    for path in sorted(migrations.glob("[0-9]*.sql")):
        if ".sqlite" in path.suffixes or ".rollback" in path.suffixes:
            continue
        found[path.stem] = {
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "sqlite": _script(path, path.with_suffix(".sqlite.sql")),
            "sqlite_rollback": _script(path.with_suffix(".rollback.sql"), path.with_suffix(".sqlite.rollback.sql")),
        }
    return found


def bookkeeping(migrations: Path) -> list[str]:
    """What the migrator itself runs on SQLite before the first migration."""
    paths = sorted((migrations / "before").glob("*.sql"))
    return [_script(path, path.with_suffix(".sqlite.sql")) for path in paths if ".sqlite" not in path.suffixes]


def _script(path: Path, variant: Path) -> str:
    if variant.exists():
        return variant.read_text(encoding="utf-8")
    if not path.exists():
        return ""
    return translate.migration_to_sqlite(path.read_text(encoding="utf-8"), file=f"{path.parent.name}/{path.name}")


def compile_all(scripts: Sequence[str], queries: Mapping[str, Any]) -> None:
    """Compile every SQLite statement on an empty database with this schema.

    Raises:
        Refused: SQLite does not take some; all of them in one error.
    """
    problems: list[AiconsqlError] = []
    with sqlite3.connect(":memory:") as connection:
        functions.teach(connection, functions.Context())
        for script in scripts:
            connection.executescript(script)
        for name, query in queries.items():
            for statement in query["sqlite"]:
                try:
                    connection.execute(f"EXPLAIN {statement['sql']}", dict.fromkeys(statement["params"]))
                except sqlite3.Error as error:
                    problems.append(
                        Refused(f"{query['file']}:{query['line']} {name}: sqlite: {error}: {statement['sql']}")
                    )
    connection.close()
    _raise_all(problems)


def inputs(*folders: Path) -> str:
    """One hash over the files that the map is made of, and the version of the rules."""
    digest = hashlib.sha256(str(VERSION).encode())
    for one in folders:
        for path in sorted(one.rglob("*.sql")):
            digest.update(f"{one.name}/{path.relative_to(one).as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def layout(value: Any, depth: int = 0) -> str:
    """The map as text: down to the third level one line for each key, so that a difference shows what changed."""
    deep = 3 if depth and isinstance(value, dict) and "sqlite" in value else 2
    if isinstance(value, dict) and value and depth < deep:
        pad = " " * (depth + 1)
        lines = [f"{pad}{_compact(key)}: {layout(item, depth + 1)}" for key, item in value.items()]
        return "{\n" + ",\n".join(lines) + "\n" + " " * depth + "}"
    return _compact(value)


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check the map; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m aiconsql.engine.generate", description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="compare with the map that is there; exit 1 when it is stale"
    )
    parser.add_argument("--url", help="an empty PostgreSQL database and its owner; without it one is started")
    options = parser.parse_args(arguments)
    try:
        text = layout(generate(options.url) if options.url else _on_own_server()) + "\n"
    except AiconsqlError as error:
        sys.stderr.write(f"{error}\n" + (f"{error.hint}\n" if error.hint else ""))
        return 1
    if options.check:
        return _check(text)
    MAP.write_text(text, encoding="utf-8")
    return 0


def _on_own_server() -> dict[str, Any]:
    from aiconsql.testing.postgres import Server

    with Server() as server:
        return generate(server.url(server.create_database(), role="owner"))


def _check(text: str) -> int:
    old = MAP.read_text(encoding="utf-8") if MAP.exists() else ""
    if old == text:
        return 0
    lines = list(difflib.unified_diff(old.splitlines(), text.splitlines(), "map.json", "now", lineterm="", n=0))
    shown = [line if len(line) <= 300 else line[:297] + "..." for line in lines[:_SHOWN]]
    sys.stderr.write("\n".join(shown) + "\nmap.json is stale: make generate\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
