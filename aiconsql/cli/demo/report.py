"""What the demo found out, for people and for programs."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiconsql.cli.aicons import short
from aiconsql.cli.output import say, say_table
from aiconsql.cli.plots import plain, plot

from .beliefs import summary
from .machine import QUANTITIES

if TYPE_CHECKING:
    from aiconsql import AIcon
    from aiconsql.engine.dialect.url import Target

    from .supervisor import Kill, Run


@dataclass(frozen=True, slots=True)
class Report:
    """A run that has ended, and the AIcon as it is then."""

    run: Run
    aicon: AIcon

    @property
    def held(self) -> bool:
        """Whether every check held."""
        return not self.problems

    @property
    def problems(self) -> list[str]:
        """What did not hold."""
        return [*self.run.problems, *(problem for kill in self.run.kills for problem in kill.problems)]

    @property
    def processes(self) -> int:
        """How many processes wrote the history that is kept."""
        return self.run.last.processes if self.run.last else 0

    @property
    def document(self) -> dict[str, Any]:
        """The report as JSON holds it."""
        aicon = self.aicon
        return {
            "held": self.held,
            "problems": self.problems,
            "seconds": round(self.run.elapsed_s, 1),
            "aicon": {
                "id": aicon.id,
                "name": aicon.name,
                "version": aicon.version,
                "iterations": aicon.run_stats.iterations,
                "iterations_before": self.run.before.run_stats.iterations,
                "processes": self.processes,
            },
            "kills": [{**asdict(kill), "outcome": kill.outcome} for kill in self.run.kills],
            "beliefs": [_belief(aicon, name) for name in self.run.mind.beliefs],
            "database": plain(self.run.db.query("doctor.describe")),
        }


def _belief(aicon: AIcon, name: str) -> dict[str, Any]:
    factor = aicon.factors[name]
    mean, deviation = summary(factor.parameters["distribution"])
    return {
        "name": name,
        "unit": QUANTITIES[name].unit,
        "value": factor.value,
        "mean": mean,
        "deviation": deviation,
        "distribution": factor.parameters["distribution"],
        "posterior": plot(factor.samples),
    }


def lines_of(number: int, kill: Kill) -> Iterator[str]:
    """What is said about one kill; `number` counts those that struck while the agent saved."""
    signal = f'SIGKILL {kill.after_ms:.1f} ms after "saving {kill.saving}"'
    if kill.late:
        yield f'too late {signal}, and after "saved {kill.saving}", so it does not count'
    else:
        yield f'kill {number:<4}{signal}, before "saved {kill.saving}"'
    found = {
        "whole": f"observation {kill.saving} was found whole",
        "not at all": f"observation {kill.saving} was not found at all",
        "broken": f"observation {kill.found} was found, broken",
    }[kill.outcome]
    yield f"         last acknowledged {kill.acknowledged}; {found}; went on with {kill.next}"
    for problem in kill.problems:
        yield f"         WRONG: {problem}"


def say_report(told: Report, target: Target, *, from_option: bool) -> None:
    """Beliefs, where the state lives, what held, and what to type next."""
    aicon = told.aicon
    rows = [_row(told, name) for name in told.run.mind.beliefs]
    say_table(("belief", "mean", "±", "unit", "from", "posterior samples"), rows, right=("mean", "±", "from"))
    described = told.run.db.query("doctor.describe")
    say("where it lives", "bold")
    say(f"  {target}, {described['product']} {described['version']}, {described['size_bytes'] / 1e6:.1f} MB")
    history = f"{aicon.run_stats.iterations} observations by {told.processes} processes"
    say(f"  {aicon.name}: id {aicon.id}, version {aicon.version}, {history}")
    say()
    _say_verdict(told)
    say()
    say("what to type next", "bold")
    for line in _next_commands(aicon.id, target, from_option=from_option):
        say(f"  {line}")


def _row(told: Report, name: str) -> tuple[Any, ...]:
    belief = _belief(told.aicon, name)
    observations = belief["distribution"]["observations"]
    unit = f"is {belief['value']}" if QUANTITIES[name].kind == "category" else belief["unit"]
    return name, short(belief["mean"]), short(belief["deviation"]), unit, observations, belief["posterior"]


def _say_verdict(told: Report) -> None:
    run = told.run
    if told.held:
        say(f"survived SIGKILL while saving: {run.struck} of {run.plan.kills} times", "bold green")
        say("  nothing acknowledged was lost, nothing was half-written")
        say(
            "  checked after each: the same identity; every observation in the history once; beliefs, samples and brain"
        )
        say("  recomputed from that history, bit by bit")
        return
    say("not everything held", "bold red")
    for problem in told.problems:
        say(f"  {problem}")


def _next_commands(id: str, target: Target, *, from_option: bool) -> Iterator[str]:
    command = _command()
    if from_option and target.path is not None:
        command += f" --url {shlex.quote(target.path)}"
    elif from_option:
        yield "export AICONSQL_URL=…   # the URL you gave, so that its password is in no command"
    yield f"{command} aicon show {id}"
    yield f"{command} aicon list"
    yield f"{command} doctor"
    yield f"{command} demo   # again: the same AIcon goes on"


def _command() -> str:
    """How this program was called, so that it can be called again."""
    if shutil.which("aiconsql"):
        return "aiconsql"
    return shlex.quote(sys.argv[0]) if Path(sys.argv[0]).name == "aiconsql" else "python -m aiconsql"
