"""What must hold of a mind that survived: each check says what is wrong, or nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from aiconsql.aicon.store import KEPT_UPDATES

from .beliefs import drawn
from .mind import Mind, mind_of

if TYPE_CHECKING:
    from aiconsql import AIcon, Update


@dataclass(frozen=True, slots=True)
class Verified:
    """A mind and how it was checked: problems, empty when there are none."""

    mind: Mind
    problems: tuple[str, ...]
    processes: int


def verify(aicon: AIcon, updates: Sequence[Update], before: AIcon, known: Mind) -> Verified:
    """Check an AIcon against the observations in its history.

    `updates` are its recorded ones, newest first; `before` is the AIcon as it was first seen, `known` the mind that was
    last checked: what was observed since must lead from it to what is stored, bit by bit.
    """
    mind = mind_of(aicon)
    problems = (
        *_identity(aicon, before),
        *_history(aicon.run_stats.iterations, updates),
        *_agrees(mind, _replayed(known, updates)),
        *_samples(aicon, mind),
    )
    if mind.iteration != aicon.run_stats.iterations:
        problems = (*problems, f"brain is of observation {mind.iteration}, the AIcon of {aicon.run_stats.iterations}")
    processes = {(update.metadata or {}).get("process") for update in updates}
    return Verified(mind, problems, len(processes))


def _identity(aicon: AIcon, before: AIcon) -> Iterator[str]:
    for field in ("id", "name", "aicon_type", "capabilities", "created_at"):
        was, found = getattr(before, field), getattr(aicon, field)
        if was != found:
            yield f"{field}: was {was}, is {found}"


def _history(iterations: int, updates: Sequence[Update]) -> Iterator[str]:
    """Exactly the iterations up to this one, without a gap or a repeat, as far as they are kept."""
    expected = list(range(iterations, max(iterations - KEPT_UPDATES, 0), -1))
    if [update.iteration for update in updates] != expected:
        first = expected[-1] if expected else 0
        yield f"history: {len(updates)} updates are not the observations {first} to {iterations}"
    for update in updates:
        announced = (update.metadata or {}).get("observation")
        if announced != update.iteration:
            yield f"history: iteration {update.iteration} is observation {announced}"


def _replayed(known: Mind, updates: Sequence[Update]) -> Mind:
    """The mind that the observations since `known` lead to."""
    for update in reversed(updates):
        if (update.iteration or 0) > known.iteration:
            known = known.after((update.metadata or {}).get("readings", {}))
    return known


def _agrees(mind: Mind, expected: Mind) -> Iterator[str]:
    if mind.iteration != expected.iteration:
        yield f"brain is of observation {mind.iteration}, the history leads to {expected.iteration}"
    for name, belief in expected.beliefs.items():
        if mind.beliefs[name] != belief:
            yield f"{name}: the belief is not what observations 1 to {expected.iteration} lead to"
    same = mind.moments.count == expected.moments.count and np.array_equal(mind.moments.means, expected.moments.means)
    if not (same and np.array_equal(mind.moments.co_moments, expected.moments.co_moments)):
        yield "brain: the moments are not what the observations lead to"


def _samples(aicon: AIcon, mind: Mind) -> Iterator[str]:
    if aicon.brain["decision"] != mind.decision():
        yield "brain: the decision does not follow from the beliefs"
    for name, belief in mind.beliefs.items():
        samples = aicon.factors[name].samples
        if samples is None or not np.array_equal(samples, drawn(belief, name, aicon.run_stats.iterations)):
            yield f"{name}: the samples are not those of observation {aicon.run_stats.iterations}"
