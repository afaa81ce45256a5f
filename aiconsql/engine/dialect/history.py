"""
The triggers of a tracked table, from its declaration and the live catalogue, by the templates in migrations/after/.

An entry holds every column but the tenant, owner, key, content and versions, which have columns of their own in
`history`. Both databases write the same JSON for the same row, whatever the settings of the session that changes it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aiconsql.errors import SchemaError

from .identifiers import literal, quoted
from .session import Column, filled, shipped

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from aiconsql.engine.migration_files import Tracked

# json_build_object takes 100 arguments; both databases refuse the same tables.
_MOST_COLUMNS = 50
_PLAIN = {"text", "bigint", "integer", "smallint", "boolean", "double precision", "json", "jsonb"}
_ARRAYS = {f"{kind}[]" for kind in _PLAIN}
_NOW = "strftime('%Y-%m-%dT%H:%M:%f000+00:00', 'now')"


def trigger_script(
    tracked: Tracked,
    wholes: Mapping[str, Tracked],
    columns: Mapping[str, Sequence[Column]],
    suffix: str,
    delete_children: Sequence[str] = (),
) -> str:
    """The script that writes the history triggers of a table; `suffix` is that of the database's templates.

    `delete_children` remove what foreign keys would remove, on a database where they can be off.

    Raises: SchemaError when declaration and catalogue do not fit together, or a column cannot be kept.
    """
    whole = tracked if tracked.part_of is None else wholes.get(tracked.part_of)
    if whole is None or whole.table not in columns:
        raise SchemaError(f"history of {tracked.table}: {tracked.part_of} has no history of its own")
    _check(tracked, columns[tracked.table])
    own = [column for column in columns[tracked.table] if column.name not in _apart(tracked)]
    markers = _markers(tracked, whole) | {"delete_children": "\n    ".join(delete_children)}
    markers |= (_sqlite if suffix else _postgresql)(tracked, own, columns, whole)
    if tracked.content:
        markers["content_column"] = tracked.content
        markers["refuse_missing_parts"] = filled(shipped("after/missing_parts", suffix), markers).strip()
    name = "history.whole" if tracked.part_of is None else "history.part"
    return filled(shipped(f"after/{name}", suffix), markers)


def trigger_names(script: str) -> list[str]:
    """The names of the triggers that a script makes."""
    return re.findall(r"^CREATE (?:OR REPLACE )?TRIGGER (\w+)", script, re.MULTILINE)


def trigger_endings(suffix: str) -> list[str]:
    """How the names of history triggers go on after the table's."""
    templates = shipped("after/history.whole", suffix) + shipped("after/history.part", suffix)
    return re.findall(r"^CREATE (?:OR REPLACE )?TRIGGER \{table\}(\w+)", templates, re.MULTILINE)


def _apart(tracked: Tracked) -> set[str | None]:
    return {"tenant_id", "version", tracked.owner, tracked.key, tracked.content, tracked.self_version}


def _check(tracked: Tracked, columns: Sequence[Column]) -> None:
    kinds = {column.name: column.type for column in columns}
    for name in _apart(tracked) - {None}:
        if name not in kinds:
            raise SchemaError(
                f"history of {tracked.table}: it has no column {name}",
                hint="a tracked table needs `version bigint NOT NULL DEFAULT 0` and the columns of its header line",
            )
    own = {name: kind for name, kind in kinds.items() if name not in _apart(tracked)}
    for name, kind in own.items():
        if kind in {"bytea", "BLOB"}:
            raise SchemaError(f"history of {tracked.table}: column {name} holds bytes and is not the declared content")
    if len(own) > _MOST_COLUMNS:
        raise SchemaError(f"history of {tracked.table}: {len(own)} columns, at most {_MOST_COLUMNS} can be kept")


def _markers(tracked: Tracked, whole: Tracked) -> dict[str, str]:
    """The markers that are the same on both databases."""
    return {
        "table": tracked.table,
        "tbl": literal(tracked.table),
        "owner": tracked.owner,
        "key": tracked.key,
        "parent": whole.table,
        "parent_key": whole.key,
        "refuse_missing_parts": "",
    }


def _has_clock(columns: Sequence[Column]) -> bool:
    return any(column.name == "last_updated" for column in columns)


def _postgresql(
    tracked: Tracked, own: Sequence[Column], columns: Mapping[str, Sequence[Column]], whole: Tracked
) -> dict[str, str]:
    # A hand that sets the time itself is believed.
    same = "NEW.last_updated IS NOT DISTINCT FROM OLD.last_updated"
    clock = f"IF {same} THEN NEW.last_updated := clock_timestamp(); END IF;"
    pairs = ", ".join(f"{literal(column.name)}, {_postgresql_value(tracked, column)}" for column in own)
    return {
        "row": f"json_build_object({pairs})",
        "content": f"n.{tracked.content}" if tracked.content else "NULL::bytea",
        "self_changed": f"n.{tracked.self_version} = n.version" if tracked.self_version else "true",
        "new_self_version": f"NEW.{tracked.self_version} := NEW.version;" if tracked.self_version else "",
        "new_last_updated": clock if _has_clock(own) else "",
        "set_parent_last_updated": "last_updated = clock_timestamp()," if _has_clock(columns[whole.table]) else "",
    }


def _postgresql_value(tracked: Tracked, column: Column) -> str:
    value = f"n.{quoted(column.name)}"
    if column.type == "timestamptz":
        # json would write it in the time zone of whoever changes the row.
        return f"""to_char({value} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"')"""
    if column.type not in _PLAIN | _ARRAYS:
        raise SchemaError(f"history of {tracked.table}: column {column.name} is {column.type}, which cannot be kept")
    return value


def _sqlite(
    tracked: Tracked, own: Sequence[Column], columns: Mapping[str, Sequence[Column]], whole: Tracked
) -> dict[str, str]:
    clock = f"last_updated = CASE WHEN NEW.last_updated IS OLD.last_updated THEN {_NOW} ELSE NEW.last_updated END,"
    pairs = ", ".join(f"{literal(column.name)}, {_sqlite_value(column)}" for column in own)
    entries = f"history AS h WHERE h.tenant_id = NEW.tenant_id AND h.owner = NEW.{tracked.owner}"
    version = tracked.self_version
    return {
        "row": f"json_object({pairs})",
        "content": f"NEW.{tracked.content}" if tracked.content else "NULL",
        "self_changed": f"NEW.{version} = NEW.version" if version else "true",
        "set_self_version": f"{version} = 1 + coalesce((SELECT max(h.version) FROM {entries}), 0)," if version else "",  # noqa: S608 - a declared column
        "bump_self_version": f"{version} = OLD.version + 1," if version else "",
        "set_last_updated": clock if _has_clock(own) else "",
        "set_parent_last_updated": f"last_updated = {_NOW}," if _has_clock(columns[whole.table]) else "",
    }


# What SQLite keeps as a number or a text, as the JSON that PostgreSQL makes of it.
_SQLITE_JSON: Mapping[str, Callable[[str], str]] = {
    "json": "json({0})".format,
    "jsonb": "json({0})".format,
    "boolean": "json(CASE {0} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END)".format,
    # json_object writes 15 digits, which 94 of 100 floats do not survive.
    "double precision": "json(CASE WHEN {0} IS NOT NULL THEN printf('%!.20g', {0}) END)".format,
}


def _sqlite_value(column: Column) -> str:
    value = f"NEW.{quoted(column.name)}"
    kind = {"REAL": "double precision"}.get(column.type, "json" if column.type.endswith("[]") else column.type)
    return _SQLITE_JSON.get(kind, str)(value)
