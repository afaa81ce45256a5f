"""`aiconsql doctor`: what is configured, reachable, migrated, writable and separated by tenant. Never a secret."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
import statistics
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

from aiconsql import AIcon, __version__
from aiconsql.engine import migrations
from aiconsql.engine.dialect import backends
from aiconsql.engine.queries import catalogue
from aiconsql.errors import AiconsqlError, SchemaError
from aiconsql.settings import read_settings

from .common import Common, common
from .failures import masked
from .output import console, printable, say_json

if TYPE_CHECKING:
    from aiconsql.database import Database
    from aiconsql.engine.dialect.url import Target
    from aiconsql.engine.migrations import Row

State = Literal["ok", "warning", "wrong"]
_STYLES: dict[State, str] = {"ok": "green", "warning": "yellow", "wrong": "red"}
_LITTLE_DISK = 200 * 2**20  # bytes
_TRIPS = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    check: str
    state: State
    message: str
    hint: str | None = None


def doctor(ctx: typer.Context) -> None:
    """Look at the configured database; exit code 1 when something essential is wrong."""
    shared = common(ctx)
    findings = []
    for one in _looked_at(shared):
        findings.append(one)
        if not shared.as_json:
            _say(one)
    well = all(one.state != "wrong" for one in findings)
    if shared.as_json:
        say_json({"ok": well, "findings": [asdict(one) for one in findings]})
    if not well:
        raise typer.Exit(1)


def _say(one: Finding) -> None:
    out = console()
    out.print(f"{one.state:8}", style=_STYLES[one.state], end="")
    out.print(f"{one.check:12}{printable(one.message)}", soft_wrap=True)
    if one.hint:
        out.print(f"{'':20}hint: {printable(one.hint)}", soft_wrap=True)


def _looked_at(shared: Common) -> Iterator[Finding]:
    """The findings, in order; what stands on something that is wrong is not looked at."""
    yield _programs()
    try:
        target = shared.target()
        tenant = shared.tenant or target.tenant or read_settings().tenant
    except AiconsqlError as error:
        yield _wrong("configured", error)
        return
    where = f"{target} from {shared.source(os.environ)}, tenant {tenant}"
    yield Finding("configured", "ok", where + (f", schema {target.schema}" if target.schema else ""))
    if target.path is not None:
        yield _place(Path(target.path))
    try:
        yield from _inside(shared, target)
    except AiconsqlError as error:
        yield _wrong("migrated" if isinstance(error, SchemaError) else "reachable", error)


def _inside(shared: Common, target: Target) -> Iterator[Finding]:
    if target.path is not None and not Path(target.path).exists():
        yield Finding("migrated", "ok", "the first connection makes the file and migrates it")
        return
    reachable, rows = _asked(target)
    yield reachable
    if pending := _pending(target, rows):
        yield pending
        return
    with shared.connect(migrate=False, reason="aiconsql doctor") as db:
        yield _migrated(rows)
        yield from _database(db)


def _wrong(check: str, error: AiconsqlError) -> Finding:
    return Finding(check, "wrong", masked(str(error)), masked(error.hint) if error.hint else None)


def _programs() -> Finding:
    import psycopg

    libpq = ".".join(str(part) for part in divmod(psycopg.pq.version(), 10_000))
    versions = (
        f"aiconsql {__version__}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
        f"psycopg {psycopg.__version__} (libpq {libpq})"
    )
    if sqlite3.sqlite_version_info < (3, 40):
        return Finding("programs", "wrong", versions, "aiconsql needs SQLite 3.40: use a newer Python")
    return Finding("programs", "ok", versions)


def _place(path: Path) -> Finding:
    """The file and the disk it is on."""
    there = next(one for one in (path, *path.parents) if one.exists())
    folder = there if there.is_dir() else there.parent
    free = shutil.disk_usage(folder).free
    size = _bytes(path.stat().st_size) if path.is_file() else "not there yet"
    message = f"{path}: {size}, {_bytes(free)} free on its disk"
    if path.is_dir():
        return Finding("place", "wrong", f"{path}: is a directory", "name a file")
    if not os.access(folder, os.W_OK | os.X_OK) or (path.exists() and not os.access(path, os.W_OK)):
        return Finding("place", "wrong", f"{message}, not writable", "choose a place you may write to")
    if free < _LITTLE_DISK:
        return Finding("place", "warning", message, "make room: saves fail when the disk is full")
    return Finding("place", "ok", message)


def _bytes(count: float) -> str:
    """A number of bytes for people."""
    units = ("bytes", "kB", "MB", "GB", "TB")
    step = 0
    while count >= 1000 and step < len(units) - 1:
        count, step = count / 1000, step + 1
    return f"{count:.0f} {units[step]}" if step == 0 else f"{count:.1f} {units[step]}"


def _asked(target: Target) -> tuple[Finding, list[Row]]:
    """Whether the database answers, and what was applied to it."""
    begin = time.perf_counter()
    rows = migrations.status(target)
    ms = (time.perf_counter() - begin) * 1000
    return Finding("reachable", "ok", f"connected and asked in {ms:.0f} ms"), rows


def _pending(target: Target, rows: list[Row]) -> Finding | None:
    """What keeps this program from working with the schema; None when nothing does."""
    needed = ", ".join(row.id for row in rows if row.state == "pending" and row.phase == "pre")
    if not needed:
        return None
    if backends.migrates_by_itself(target):
        hint = "the next connection migrates; or run: aiconsql migrate"
        return Finding("migrated", "warning", f"pending: {needed}", hint)
    return Finding("migrated", "wrong", f"pending: {needed}", "run as the owner: aiconsql migrate")


def _migrated(rows: list[Row]) -> Finding:
    """What was applied, to a schema that serves this program."""
    applied = [row.id for row in rows if row.state != "pending"]
    later = ", ".join(row.id for row in rows if row.state == "pending")
    message = f"{len(applied)} applied, the newest is {applied[-1]}"
    if later:
        hint = "run when all programs are upgraded: aiconsql migrate"
        return Finding("migrated", "warning", f"{message}; pending: {later}", hint)
    return Finding("migrated", "ok", message)


def _database(db: Database) -> Iterator[Finding]:
    described = db.query("doctor.describe")
    trips_ms = statistics.median(_trip_ms(db) for _ in range(_TRIPS))
    role = f", as {described['role']}" if described["role"] else ""
    server = f"{described['product']} {described['version']}{role}"
    yield Finding("server", "ok", f"{server}, {trips_ms:.2g} ms for a round trip")
    yield Finding("storage", "ok", f"{_bytes(described['size_bytes'])}, {described['durability']}")
    yield _writable(db)
    yield separation(described, db.query("doctor.find_tenant_tables"))


def _trip_ms(db: Database) -> float:
    begin = time.perf_counter()
    db.query("doctor.describe")
    return (time.perf_counter() - begin) * 1000


class _Undo(Exception):
    """Roll the transaction back."""


def _writable(db: Database) -> Finding:
    """Save an AIcon as agents do, load it, and undo it."""
    begin = time.perf_counter()
    patient = _patient()
    try:
        with suppress(_Undo), db.transaction() as tx:
            tx.aicons.save(patient)
            tx.aicons.load(patient.id)
            raise _Undo
    except AiconsqlError as error:
        return _wrong("writable", error)
    ms = (time.perf_counter() - begin) * 1000
    return Finding("writable", "ok", f"an AIcon was saved, loaded and rolled back in {ms:.0f} ms")


def _patient() -> AIcon:
    import numpy as np

    patient = AIcon("patient", "doctor")
    patient.add_factor_continuous("pulse", 1.0, samples=np.arange(1_000.0))
    patient.record_update("doctor")
    return patient


def separation(described: dict[str, Any], tables: list[dict[str, Any]]) -> Finding:
    """Whether the database itself keeps tenants apart, for the role of this connection."""
    ours = [table for table in tables if table["name"] in catalogue().tables]
    open_ones = [table["name"] for table in ours if not table["is_protected"]]
    role = described["role"]
    if role is None:
        return Finding("separated", "ok", "by aiconsql's statements; who can open the file can read every tenant")
    if open_ones:
        names = ", ".join(open_ones)
        return Finding(
            "separated", "wrong", f"row-level security is off: {names}", "run as the owner: aiconsql migrate"
        )
    why = "is a superuser or has BYPASSRLS" if described["bypasses_policies"] else "owns the tables"
    if described["bypasses_policies"] or any(table["is_owned"] for table in ours):
        return Finding(
            "separated",
            "warning",
            f"the database does not separate tenants with this role: {role} {why}",
            "connect the application with a role that owns nothing: aiconsql roles --sql",
        )
    return Finding("separated", "ok", f"row-level security on {len(ours)} tables binds {role}")
