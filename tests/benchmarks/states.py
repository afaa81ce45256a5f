"""The four sizes of an AIcon that are measured, with fresh random contents each time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aiconsql import AIcon


@dataclass(frozen=True)
class Size:
    """`factors` with `samples` float64 each, and a brain of one float32 array of `brain_bytes`."""

    factors: int
    samples: int
    brain_bytes: int = 0

    @property
    def payload(self) -> int:
        """Raw bytes of samples and brain."""
        return self.factors * self.samples * 8 + self.brain_bytes


SIZES = {
    "small": Size(5, 240),
    "medium": Size(20, 620),
    "large": Size(100, 1280),
    "brain": Size(20, 620, 4_900_000),
}


def refill(aicon: AIcon, size: Size, rng: np.random.Generator) -> None:
    """Give every part of `aicon` new contents, so that a save has everything to send."""
    aicon.state = {"turn": int(rng.integers(1 << 30))}
    for number in range(size.factors):
        samples = rng.standard_normal(size.samples)
        aicon.add_factor_continuous(f"factor{number:03}", float(rng.random()), samples=samples)
    if size.brain_bytes:
        aicon.brain = {"weights": rng.standard_normal(size.brain_bytes // 4, dtype=np.float32)}
