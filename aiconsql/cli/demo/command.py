"""`aiconsql demo`: watch an agent keep its mind through its own violent death."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from aiconsql.cli.common import Common, Usage, common


def demo(
    ctx: typer.Context,
    *,
    kills: Annotated[
        int, typer.Option(min=0, max=20, metavar="N", help="How often the agent is killed while it saves.")
    ] = 3,
    seconds: Annotated[
        float, typer.Option(min=1, max=600, metavar="N", help="How long the agent watches, about.")
    ] = 12.0,
    state_dir: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep the state in a SQLite file in this directory.", file_okay=False),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin with a new AIcon, even when there is one to go on with.")
    ] = False,
) -> None:
    """Run an agent that watches this machine, kill it while it saves, and show that nothing of its mind is lost."""
    shared = _with_state_dir(common(ctx), state_dir)
    from .show import show  # numpy loads with it

    if not show(shared, kills=kills, seconds=seconds, fresh=fresh):
        raise typer.Exit(1)


def _with_state_dir(shared: Common, state_dir: Path | None) -> Common:
    if state_dir is None:
        return shared
    if shared.url is not None:
        raise Usage("--state-dir and --url both say where the state is")
    return replace(shared, url=str(state_dir.absolute() / "aicon.db"))
