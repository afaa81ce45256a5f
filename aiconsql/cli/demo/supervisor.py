"""The supervisor: starts the agent, kills it while it saves, starts it again, and looks at what is left of it."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from aiconsql.aicon.store import KEPT_UPDATES

from .checks import Verified, verify
from .mind import Mind, mind_of
from .process import Agent

if TYPE_CHECKING:
    from aiconsql import AIcon, Database

_WINDOW_S = 0.010  # a kill comes at most this long after "saving n"
_TRIES_PER_KILL = 6
_SETTLE_S = 0.15


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be shown: so many kills, spread over so many seconds of watching."""

    kills: int
    seconds: float
    environment: Mapping[str, str]


@dataclass(slots=True)
class Kill:
    """One SIGKILL: `late` when "saved n" had been said before it struck. `next` is the observation that came next."""

    saving: int
    acknowledged: int
    after_ms: float
    late: bool
    found: int
    problems: tuple[str, ...]
    next: int | None = None

    @property
    def outcome(self) -> str:
        """What became of the interrupted save: whole, not at all, or broken."""
        if self.problems:
            return "broken"
        return "whole" if self.found == self.saving else "not at all"


class Listener(Protocol):
    """Who is told how it goes."""

    def observed(self, number: int, elapsed_s: float) -> None:
        """An observation was acknowledged."""

    def killed(self, kill: Kill) -> None:
        """The agent was killed, looked at, and went on."""


@dataclass(slots=True)
class Run:
    """One demo as it goes."""

    db: Database
    before: AIcon
    plan: Plan
    listener: Listener
    mind: Mind = field(init=False)
    acknowledged: int = field(init=False)
    kills: list[Kill] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    last: Verified | None = None
    _begin: float = field(default_factory=time.monotonic)
    _saves_s: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.mind = mind_of(self.before)
        self.acknowledged = self.before.run_stats.iterations

    @property
    def struck(self) -> int:
        """How many kills struck while the agent saved."""
        return sum(not kill.late for kill in self.kills)

    @property
    def elapsed_s(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._begin

    def go(self) -> AIcon:
        """Carry the plan out; the AIcon as it is in the end."""
        while self._one_life():
            pass
        aicon = self._look()
        if aicon.run_stats.iterations != self.acknowledged:
            self.problems.append(f"{self.acknowledged} was acknowledged last, {aicon.run_stats.iterations} is stored")
        if self.struck < self.plan.kills:
            self.problems.append(f"only {self.struck} of {self.plan.kills} kills struck while the agent saved")
        return aicon

    def _one_life(self) -> bool:
        """Run the agent until it is killed; False when it was stopped because all is done."""
        agent = Agent(self.before.id, self.plan.environment)
        try:
            self._check_birth(agent)
            while True:
                saving = agent.hear().number
                self._check_next(saving)
                if self._is_due():
                    self._kill(agent, saving)
                    return True
                self._wait_for_save(agent, saving)
                if self._is_done():
                    self._take_in(agent)
                    return False
        finally:
            agent.close()

    def _check_birth(self, agent: Agent) -> None:
        loaded = agent.hear().number
        if loaded != self.mind.iteration:
            self.problems.append(f"the agent began with observation {loaded}, stored is {self.mind.iteration}")

    def _check_next(self, saving: int) -> None:
        kill = self.kills[-1] if self.kills else None
        if kill is None or kill.next is not None:
            return
        kill.next = saving
        if saving != kill.found + 1:
            kill.problems = (*kill.problems, f"went on with {saving} after {kill.found}")
        self.listener.killed(kill)

    def _wait_for_save(self, agent: Agent, saving: int) -> None:
        begin = time.monotonic()
        self.acknowledged = agent.hear().number
        self._saves_s.append(time.monotonic() - begin)
        self.listener.observed(saving, self.elapsed_s)

    def _is_due(self) -> bool:
        """Whether this save is one to interrupt: kills are spread evenly, and none comes before the agent had saved."""
        lived = self.acknowledged > (self.kills[-1].found if self.kills else self.before.run_stats.iterations)
        due_s = self.plan.seconds * (self.struck + 1) / (self.plan.kills + 1)
        return lived and not self._is_enough() and self.elapsed_s >= due_s

    def _is_enough(self) -> bool:
        return self.struck >= self.plan.kills or len(self.kills) >= self.plan.kills * _TRIES_PER_KILL

    def _is_done(self) -> bool:
        return self._is_enough() and self.elapsed_s >= self.plan.seconds

    def _kill(self, agent: Agent, saving: int) -> None:
        delay_s = random.uniform(0, self._window_s())  # noqa: S311 - no secret
        time.sleep(delay_s)
        last_words = agent.kill()
        late = any(said.word == "saved" for said in last_words)
        if late:
            self.acknowledged = saving
        acknowledged = self.acknowledged
        aicon = self._settled()
        found = aicon.run_stats.iterations
        kill = Kill(saving, acknowledged, delay_s * 1000, late, found, self._verified(aicon).problems)
        if not acknowledged <= found <= saving:
            kill.problems = (*kill.problems, f"{acknowledged} was acknowledged, {found} is stored")
        self.kills.append(kill)
        self.acknowledged = found

    def _window_s(self) -> float:
        """How long after "saving n" a kill still strikes a save, by the latest ones: a signal takes time, too."""
        late = sum(kill.late for kill in self.kills)
        return min(_WINDOW_S, 0.75 ** (1 + late) * statistics.median(self._saves_s[-15:]))

    def _take_in(self, agent: Agent) -> None:
        """Stop the agent between two saves."""
        for said in agent.stop():
            if said.word == "saved":
                self.acknowledged = said.number

    def _settled(self) -> AIcon:
        """The AIcon once nothing of what the killed process had sent is on its way any more."""
        aicon = self.db.aicons.load(self.before.id)
        while True:
            time.sleep(_SETTLE_S)
            again = self.db.aicons.load(self.before.id)
            if again.version == aicon.version:
                return again
            aicon = again

    def _look(self) -> AIcon:
        aicon = self.db.aicons.load(self.before.id)
        self.last = self._verified(aicon)
        self.problems += self.last.problems
        return aicon

    def _verified(self, aicon: AIcon) -> Verified:
        updates = self.db.aicons.updates(aicon.id, limit=KEPT_UPDATES)
        verified = verify(aicon, updates, self.before, self.mind)
        self.mind = verified.mind
        return verified
