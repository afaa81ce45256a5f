"""The mind of the demo's agent: what it is after which observations, and how it stands in an AIcon."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from aiconsql import AIcon

from .beliefs import Belief, categories, drawn, learned, normal, poisson, summary
from .machine import PACES, QUANTITIES

if TYPE_CHECKING:
    from numpy.typing import NDArray

SOURCE = "observation"
_ALARM_DEVIATIONS = 3.0


@dataclass(frozen=True, slots=True)
class Moments:
    """How the continuous quantities move together: Welford's means, shape (k,), and co-moments, shape (k, k)."""

    count: int
    means: NDArray[np.float64]
    co_moments: NDArray[np.float64]

    def after(self, point: NDArray[np.float64]) -> Moments:
        """The moments with one more point, shape (k,)."""
        off = point - self.means
        means = self.means + off / (self.count + 1)
        return Moments(self.count + 1, means, self.co_moments + np.outer(off, point - means))


@dataclass(frozen=True, slots=True)
class Mind:
    """Everything the agent knows after `iteration` observations; it depends on them and on nothing else."""

    iteration: int
    beliefs: Mapping[str, Belief]
    moments: Moments

    def after(self, readings: Mapping[str, Any]) -> Mind:
        """The mind after one more observation."""
        known = {name: learned(belief, readings.get(name)) for name, belief in self.beliefs.items()}
        # What was not told is taken to be as it was on average.
        usual = dict(zip(_continuous(), self.moments.means, strict=True))
        point = np.array([readings.get(name, mean) for name, mean in usual.items()])
        return Mind(self.iteration + 1, known, self.moments.after(point))

    def write(self, aicon: AIcon) -> None:
        """Put it into the AIcon: beliefs and samples as factors, decisions and co-moments as brain."""
        for name, belief in self.beliefs.items():
            _add_factor(aicon, name, belief, self.iteration)
        aicon.brain = {
            "iteration": self.iteration,
            "decision": self.decision(),
            "moments": {"names": _continuous(), "count": self.moments.count},
            "means": self.moments.means,
            "co_moments": self.moments.co_moments,
        }
        aicon.state = {"phase": "watching", "iteration": self.iteration}

    def decision(self) -> dict[str, Any]:
        """When the agent would speak up: above these readings."""
        normals = {name: summary(self.beliefs[name]) for name in _continuous()}
        above = {name: mean + _ALARM_DEVIATIONS * deviation for name, (mean, deviation) in normals.items()}
        return {"speak_above": above}


def _continuous() -> list[str]:
    return [name for name, quantity in QUANTITIES.items() if quantity.kind in ("level", "rate")]


def new_mind() -> Mind:
    """The mind before the first observation."""
    priors = {"level": normal(), "rate": normal(), "count": poisson(), "category": categories(PACES)}
    size = len(_continuous())
    return Mind(
        0,
        {name: priors[quantity.kind] for name, quantity in QUANTITIES.items()},
        Moments(0, np.zeros(size), np.zeros((size, size))),
    )


def mind_of(aicon: AIcon) -> Mind:
    """The mind that an AIcon holds."""
    brain = aicon.brain
    known = {name: aicon.factors[name].parameters["distribution"] for name in QUANTITIES}
    return Mind(brain["iteration"], known, Moments(brain["moments"]["count"], brain["means"], brain["co_moments"]))


def _add_factor(aicon: AIcon, name: str, belief: Belief, iteration: int) -> None:
    quantity = QUANTITIES[name]
    mean, deviation = summary(belief)
    shared = {"distribution": belief, "samples": drawn(belief, name, iteration)}
    if quantity.kind == "category":
        total = sum(belief["alpha"])
        probabilities = [alpha / total for alpha in belief["alpha"]]
        likeliest = belief["categories"][int(np.argmax(belief["alpha"]))]
        aicon.add_factor_categorical(name, likeliest, categories=PACES, probabilities=probabilities, **shared)
    elif quantity.kind == "count":
        aicon.add_factor_discrete(name, round(mean), **shared)
    else:
        aicon.add_factor_continuous(
            name, mean, uncertainty=deviation, lower_bound=0.0, upper_bound=quantity.highest, **shared
        )


def new_watcher(name: str) -> AIcon:
    """An AIcon that has not observed anything yet."""
    aicon = AIcon(name, "watcher", ["watch", "believe", "remember"])
    for sensor, quantity in QUANTITIES.items():
        aicon.add_sensor(sensor, "psutil", function=quantity.source, unit=quantity.unit, kind=quantity.kind)
    new_mind().write(aicon)
    return aicon


def observe(aicon: AIcon, readings: Mapping[str, Any], process: int) -> int:
    """Let the AIcon learn from these readings; the number of the observation."""
    mind = mind_of(aicon).after(readings)
    mind.write(aicon)
    metadata = {"observation": mind.iteration, "process": process, "readings": dict(readings)}
    update = aicon.record_update(SOURCE, metadata=metadata)
    for name in readings:
        aicon.sensors[name].last_update = update.time
    return mind.iteration
