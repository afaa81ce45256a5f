"""The demo as it is shown: aloud to people, as one document to programs."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from aiconsql.cli.output import Bar, progress, say, say_json
from aiconsql.engine.dialect import backends
from aiconsql.errors import InvalidValue, SettingsError

from . import report
from .machine import Machine
from .mind import mind_of, new_watcher
from .process import INTERVAL_S
from .supervisor import Kill, Plan, Run

if TYPE_CHECKING:
    from aiconsql import AIcon, Database
    from aiconsql.cli.common import Common


def show(shared: Common, *, kills: int, seconds: float, fresh: bool) -> bool:
    """Run the demo; whether everything held."""
    Machine()  # what it needs is looked for before anything is made
    _refuse_memory(shared)
    with shared.connect(migrate=True, reason="aiconsql demo") as db:
        aicon = _watcher(db, fresh=fresh)
        plan = Plan(kills, seconds, shared.environment())
        told = _run_silently(db, aicon, plan) if shared.as_json else _run_aloud(db, aicon, plan, shared)
        if shared.as_json:
            say_json(told.document)
    return told.held


def _refuse_memory(shared: Common) -> None:
    target = shared.target()
    if target.path is None and backends.migrates_by_itself(target):
        problem = f"{target}: a database in memory does not outlive a process"
        raise SettingsError(problem, hint="name a file: sqlite:///aicon.db")


def _watcher(db: Database, *, fresh: bool) -> AIcon:
    """The AIcon that watched this machine before, or a new one."""
    name = f"watcher of {platform.node() or 'this machine'}"
    found = [] if fresh else [one for one in db.aicons.find(name) if one.aicon_type == "watcher"]
    if not found:
        aicon = new_watcher(name)
        db.aicons.save(aicon)
        return aicon
    aicon = db.aicons.load(max(found, key=lambda one: one.last_updated).id)
    try:
        mind_of(aicon)
    except KeyError as error:
        where = f"$.factors.{error.args[0]}"
        problem = f"{name}: {where} is missing, so it is no watcher of this version"
        raise InvalidValue(problem, where=where, hint="--fresh begins with a new one") from error
    return aicon


class _Silent:
    def observed(self, number: int, elapsed_s: float) -> None:
        pass

    def killed(self, kill: Kill) -> None:
        pass


class _Aloud:
    def __init__(self, bar: Bar, plan: Plan) -> None:
        self._bar, self._plan = bar, plan
        self._kills = 0

    def observed(self, number: int, elapsed_s: float) -> None:
        self._bar.show(f"observation {number} saved", min(round(elapsed_s), self._plan.seconds), self._plan.seconds)

    def killed(self, kill: Kill) -> None:
        self._kills += not kill.late
        for line in report.lines_of(self._kills, kill):
            self._bar.say(line)


def _run_silently(db: Database, aicon: AIcon, plan: Plan) -> report.Report:
    run = Run(db, aicon, plan, _Silent())
    return report.Report(run, run.go())


def _run_aloud(db: Database, aicon: AIcon, plan: Plan, shared: Common) -> report.Report:
    target = shared.target()
    begun = f"goes on after observation {aicon.run_stats.iterations}" if aicon.run_stats.iterations else "is new"
    say(f"{aicon.name} {begun}: {aicon.id}", "bold")
    say(f"it watches this machine every {INTERVAL_S:g} s and keeps its mind in {target}")
    say(f"it is about to be killed {plan.kills} times while it saves")
    say()
    with progress(plan.seconds) as bar:
        run = Run(db, aicon, plan, _Aloud(bar, plan))
        told = report.Report(run, run.go())
    report.say_report(told, target, from_option=shared.url is not None)
    return told
