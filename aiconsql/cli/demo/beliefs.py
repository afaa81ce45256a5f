"""
Conjugate beliefs: what is believed about a quantity, how one observation changes it, and samples of it.

The rules are those of K. P. Murphy, "Conjugate Bayesian analysis of the Gaussian distribution" (2007), section 3,
and of A. Gelman et al., "Bayesian Data Analysis" (3rd edition), sections 2.6 (counts) and 3.4 (categories).
A belief is a plain dict of hyperparameters, so that it can be stored; `learned` gives a new one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Belief = dict[str, Any]
Reading = Any  # a number, a [count, exposure in seconds] pair, or a category
SAMPLES = 512


@dataclass(frozen=True, slots=True)
class Family:
    """A conjugate family: the prior's hyperparameters, the update, the sampler, and mean and deviation."""

    learn: Callable[[Belief, Reading], Belief]
    draw: Callable[[Belief, np.random.Generator], NDArray[np.float64]]
    summary: Callable[[Belief], tuple[float, float]]


def normal() -> Belief:
    """Little known about the mean and the variance of a continuous quantity: Normal-Inverse-Gamma."""
    return {"family": "normal-inverse-gamma", "observations": 0, "mu": 0.0, "kappa": 0.01, "alpha": 2.0, "beta": 1.0}


def poisson() -> Belief:
    """Little known about the rate of a count: Gamma, with a shape and a rate in units of exposure."""
    return {"family": "gamma-poisson", "observations": 0, "shape": 0.5, "rate": 0.01}


def categories(names: Sequence[str]) -> Belief:
    """Nothing known about which category comes: Dirichlet."""
    return {"family": "dirichlet-categorical", "observations": 0, "categories": [*names], "alpha": [1.0] * len(names)}


def _learn_normal(belief: Belief, reading: float) -> Belief:
    mu, kappa, off = belief["mu"], belief["kappa"], reading - belief["mu"]
    return {
        "mu": (kappa * mu + reading) / (kappa + 1),
        "kappa": kappa + 1,
        "alpha": belief["alpha"] + 0.5,
        "beta": belief["beta"] + kappa * off * off / (2 * (kappa + 1)),
    }


def _draw_normal(belief: Belief, rng: np.random.Generator) -> NDArray[np.float64]:
    variance = belief["beta"] / rng.gamma(belief["alpha"], size=SAMPLES)
    return rng.normal(belief["mu"], np.sqrt(variance / belief["kappa"]), size=SAMPLES)


def _sum_up_normal(belief: Belief) -> tuple[float, float]:
    return belief["mu"], math.sqrt(belief["beta"] / (belief["kappa"] * (belief["alpha"] - 1)))


def _learn_poisson(belief: Belief, reading: Sequence[float]) -> Belief:
    count, exposure_s = reading
    return {"shape": belief["shape"] + count, "rate": belief["rate"] + exposure_s}


def _draw_poisson(belief: Belief, rng: np.random.Generator) -> NDArray[np.float64]:
    return rng.gamma(belief["shape"], 1 / belief["rate"], size=SAMPLES)


def _sum_up_poisson(belief: Belief) -> tuple[float, float]:
    return belief["shape"] / belief["rate"], math.sqrt(belief["shape"]) / belief["rate"]


def _learn_category(belief: Belief, reading: str) -> Belief:
    at = belief["categories"].index(reading)
    return {"alpha": [alpha + (place == at) for place, alpha in enumerate(belief["alpha"])]}


def _draw_category(belief: Belief, rng: np.random.Generator) -> NDArray[np.float64]:
    return rng.dirichlet(belief["alpha"], size=SAMPLES)


def _sum_up_category(belief: Belief) -> tuple[float, float]:
    """Of the most probable category."""
    total, top = math.fsum(belief["alpha"]), max(belief["alpha"])
    share = top / total
    return share, math.sqrt(share * (1 - share) / (total + 1))


_FAMILIES: Mapping[str, Family] = {
    "normal-inverse-gamma": Family(_learn_normal, _draw_normal, _sum_up_normal),
    "gamma-poisson": Family(_learn_poisson, _draw_poisson, _sum_up_poisson),
    "dirichlet-categorical": Family(_learn_category, _draw_category, _sum_up_category),
}


def learned(belief: Belief, reading: Reading | None) -> Belief:
    """The posterior after one more observation; the belief as it is when there was none."""
    if reading is None:
        return belief
    news = _FAMILIES[belief["family"]].learn(belief, reading)
    return belief | news | {"observations": belief["observations"] + 1}


def drawn(belief: Belief, name: str, iteration: int) -> NDArray[np.float64]:
    """Posterior samples, shape (512,), of categories (512, k); the same ones for the same name and iteration."""
    rng = np.random.default_rng([iteration, crc32(name.encode())])
    return _FAMILIES[belief["family"]].draw(belief, rng)


def summary(belief: Belief) -> tuple[float, float]:
    """Posterior mean and standard deviation; of categories those of the most probable one."""
    return _FAMILIES[belief["family"]].summary(belief)
