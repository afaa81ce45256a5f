"""`aiconsql aicon list|show|delete`."""

from __future__ import annotations

import dataclasses
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aiconsql.errors import NotFound

from .common import Usage, common
from .output import cell, console, say, say_json, say_pairs, say_table
from .plots import outline, plain, plot, shape_of

if TYPE_CHECKING:
    from aiconsql.aicon.aicon import AIcon
    from aiconsql.aicon.parts import Factor
    from aiconsql.aicon.store import AIconSummary
    from aiconsql.database import Database

app = typer.Typer(help="List, show and delete AIcons: agents that are kept whole.", no_args_is_help=False)

Id = Annotated[str, typer.Argument(metavar="ID", help="The AIcon's id.", show_default=False)]
_COLUMNS = ("id", "name", "type", "version", "iterations", "last updated")
_LATEST = 5  # updates that are shown


@app.command("list")
def list_aicons(
    ctx: typer.Context,
    aicon_type: Annotated[
        str | None,
        typer.Option("--type", metavar="TYPE", help="Only this type.", envvar="AICONSQL_AICON_LIST_TYPE"),
    ] = None,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Only this very name.")] = None,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="At most so many.")] = 100,
) -> None:
    """AIcons, the last changed first."""
    shared = common(ctx)
    with shared.connect() as db:
        found = _find(db, aicon_type, name, limit)
    if shared.as_json:
        say_json([dataclasses.asdict(one) for one in found])
        return
    rows = [(one.id, one.name, one.aicon_type, one.version, one.iterations, one.last_updated) for one in found]
    say_table(_COLUMNS, rows, right=("version", "iterations"))
    if len(found) == limit:
        say(f"the first {limit}; --limit shows more")
    elif not found:
        say("no AIcon" + (" matches" if name or aicon_type else " yet"))


def _find(db: Database, aicon_type: str | None, name: str | None, limit: int) -> list[AIconSummary]:
    if name is None:
        return db.aicons.list(aicon_type=aicon_type, limit=limit)
    found: list[AIconSummary] = []
    page = db.aicons.find(name)
    while page and len(found) < limit:
        found += [one for one in page if aicon_type in (None, one.aicon_type)]
        page = db.aicons.find(name, after=page[-1])
    return sorted(found, key=lambda one: one.last_updated, reverse=True)[:limit]


@app.command("show")
def show(ctx: typer.Context, id: Id) -> None:
    """One AIcon: identity, beliefs, sensors, brain and latest updates."""
    shared = common(ctx)
    with shared.connect() as db:
        aicon = db.aicons.load(id)
    if shared.as_json:
        say_json(described(aicon))
        return
    _show_identity(aicon)
    if aicon.factors:
        columns = ("factor", "type", "value", "uncertainty", "samples", "posterior")
        say_table(columns, [_factor_row(one) for one in aicon.factors.values()], right=("value", "uncertainty"))
    if aicon.sensors:
        rows = [(s.name, s.sensor_type, s.configuration, s.last_update) for s in aicon.sensors.values()]
        say_table(("sensor", "type", "configuration", "last update"), rows)
    for name in ("brain", "state", "config", "metadata"):
        if value := getattr(aicon, name):
            console().print(outline(name, value))
    _show_updates(aicon)


def _show_identity(aicon: AIcon) -> None:
    say_pairs(
        {
            "name": aicon.name,
            "id": aicon.id,
            "type": aicon.aicon_type,
            "capabilities": ", ".join(map(str, aicon.capabilities)) or None,
            "version": aicon.version,
            "created": aicon.created_at,
            "last updated": aicon.last_updated,
        }
    )


def _factor_row(factor: Factor) -> tuple[Any, ...]:
    uncertainty = factor.parameters.get("uncertainty")
    samples = shape_of(factor.samples) if factor.samples is not None else None
    return factor.name, factor.factor_type, short(factor.value), short(uncertainty), samples, plot(factor.samples)


def short(value: Any) -> str:
    """A number in a few digits; anything else as it is."""
    return f"{value:.4g}" if isinstance(value, float) else cell(value)


def _show_updates(aicon: AIcon) -> None:
    stats = aicon.run_stats
    say_pairs({"iterations": stats.iterations, "first update": stats.start_time, "last update": stats.last_update_time})
    latest = stats.updates[-_LATEST:]
    if latest:
        rows = [(u.iteration, u.time, u.source, u.success) for u in latest]
        say_table(("iteration", "time", "source", "success"), rows, right=("iteration",))


def described(aicon: AIcon) -> dict[str, Any]:
    """An AIcon as JSON holds it; arrays by type and shape."""
    stats = dataclasses.asdict(aicon.run_stats)
    return {
        "id": aicon.id,
        "name": aicon.name,
        "aicon_type": aicon.aicon_type,
        "version": aicon.version,
        "created_at": aicon.created_at,
        "last_updated": aicon.last_updated,
        **{part: plain(getattr(aicon, part)) for part in ("capabilities", "config", "state", "metadata", "brain")},
        "factors": [plain(dataclasses.asdict(one)) for one in aicon.factors.values()],
        "sensors": [plain(dataclasses.asdict(one)) for one in aicon.sensors.values()],
        "run_stats": plain(stats),
    }


@app.command("delete")
def delete(
    ctx: typer.Context,
    id: Id,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be deleted.")] = False,
) -> None:
    """Delete an AIcon with all its parts. Its history stays."""
    shared = common(ctx)
    with shared.connect(reason="aiconsql aicon delete") as db:
        aicon = db.aicons.load(id)
        if not (yes or dry_run):
            _ask(aicon)
        # Someone else may have been faster while a person thought.
        if not dry_run and not db.aicons.delete(id):
            raise NotFound(f"aicon {id}: not found")
    if shared.as_json:
        say_json({"id": id, "name": aicon.name, "deleted": not dry_run, "dry_run": dry_run})
    else:
        say(f"{'would be deleted' if dry_run else 'deleted'}: {_summary(aicon)}")


def _ask(aicon: AIcon) -> None:
    if not sys.stdin.isatty():
        hint = "--yes deletes without asking, --dry-run only tells"
        raise Usage("delete asks, and there is nobody to answer", hint=hint)
    typer.confirm(f"delete {_summary(aicon)}?", abort=True, err=True)


def _summary(aicon: AIcon) -> str:
    parts = f"{len(aicon.factors)} factors, {len(aicon.sensors)} sensors, {aicon.run_stats.iterations} updates"
    return f"{cell(aicon.name)} ({aicon.id}): version {aicon.version}, {parts}"
