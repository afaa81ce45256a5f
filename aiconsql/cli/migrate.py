"""`aiconsql migrate`: bring a schema to where this program wants it, or back."""

from __future__ import annotations

from typing import Annotated

import typer

from aiconsql.engine import migrations
from aiconsql.engine.dialect.url import Target
from aiconsql.errors import SchemaError
from aiconsql.settings import read_settings

from .common import Common, Usage, common
from .output import progress, say, say_json, say_table


def migrate(
    ctx: typer.Context,
    *,
    to: Annotated[str | None, typer.Option(metavar="N", help="The last migration to have: a number or an id.")] = None,
    rollback: Annotated[
        bool, typer.Option("--rollback", help="Undo what was applied after --to; 0 undoes all.")
    ] = False,
    status: Annotated[bool, typer.Option("--status", help="Show what was applied and what is pending.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    app_role: Annotated[
        str | None,
        typer.Option(
            metavar="ROLE", help="The application's role, which gets its privileges.", envvar="AICONSQL_APP_ROLE"
        ),
    ] = None,
) -> None:
    """Apply pending migrations; on PostgreSQL with the URL of the role that owns the schema."""
    shared = common(ctx)
    role = app_role or read_settings().app_role
    if status and (rollback or to or dry_run):
        raise Usage("--status goes with no other option of migrate")
    if status:
        _show_status(shared)
    elif rollback:
        if to is None:
            raise Usage("--rollback needs --to", hint="--to names the last migration that stays; 0 undoes all")
        _roll_back(shared, to, dry_run, role)
    else:
        _apply(shared, to, dry_run, role)


def _show_status(shared: Common) -> None:
    rows = migrations.status(shared.target())
    if shared.as_json:
        say_json([{"id": row.id, "state": row.state, "phase": row.phase, "applied_at": row.applied_at} for row in rows])
        return
    say(str(shared.target()), "bold")
    columns = ("migration", "state", "phase", "applied at (UTC)")
    say_table(columns, [(row.id, row.state, row.phase, row.applied_at) for row in rows])


def _apply(shared: Common, to: str | None, dry_run: bool, role: str | None) -> None:
    target = shared.target()
    with progress() as bar:
        done = migrations.migrate(target, to=to, dry_run=dry_run, app_role=role, progress=bar.show)
    if shared.as_json:
        say_json({"applied": done, "dry_run": dry_run})
    else:
        _say_done("would be applied" if dry_run else "applied", done, target, "nothing is pending")


def _roll_back(shared: Common, to: str, dry_run: bool, role: str | None) -> None:
    target = shared.target()
    if dry_run:
        done = _applied_after(target, to)
    else:
        with progress() as bar:
            done = migrations.rollback(target, to=to, app_role=role, progress=bar.show)
    if shared.as_json:
        say_json({"undone": done, "dry_run": dry_run})
    else:
        _say_done("would be undone" if dry_run else "undone", done, target, "nothing to undo")


def _applied_after(target: Target, to: str) -> list[str]:
    """The ids that a rollback would undo, newest first."""
    rows = migrations.status(target)
    stays = [row.id for row in rows if to == row.id or (to.isdecimal() and int(to) == int(row.id[:4]))]
    if not stays and not (to.isdecimal() and int(to) == 0):
        raise SchemaError(f"{to}: no migration has this number or id", hint="aiconsql migrate --status shows them all")
    return [row.id for row in reversed(rows) if row.state != "pending" and row.id > (stays[0] if stays else "")]


def _say_done(verb: str, ids: list[str], target: Target, nothing: str) -> None:
    for name in ids:
        say(f"{verb}: {name}")
    if not ids:
        say(f"{target}: {nothing}")
