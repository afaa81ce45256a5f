"""
A saver to be killed: `python -m tests.aicon.killed URL`.

It has imported everything; for each line on its standard input it forks a child that loads the AIcon and saves one
generation after the other, on a connection of its own. What happens is told on standard output, line by line:
the child's pid, "loaded 7", "saving 8", "saved 8", and "gone" when it is dead.
"""

from __future__ import annotations

import os
import sys

import numpy as np

import aiconsql
from aiconsql import AIcon, Conflict, NotFound

NAMES = [f"f{number}" for number in range(12)]


def generation_of(number: int, aicon: AIcon) -> None:
    """Make everything that the AIcon holds that of one generation."""
    aicon.state = {"generation": number, "log": f"{number} " * 2000}
    for name in NAMES:
        aicon.factors[name] = aicon.add_factor_discrete(name, number, samples=np.full(300, number, np.float64))
    aicon.add_sensor("cpu").metadata = {"generation": number}
    aicon.brain = {"weights": np.full((80, 80), number, np.float32), "deep": [{"generation": number}]}
    aicon.record_update(f"generation {number}", metadata={"generation": number})


def generation(aicon: AIcon) -> int:
    """The one generation that everything is of."""
    number = int(aicon.state["generation"])
    assert f"{number} " * 2000 == aicon.state["log"]
    assert dict.fromkeys(NAMES, number) == {name: factor.value for name, factor in aicon.factors.items()}
    assert all((np.full(300, number) == factor.samples).all() for factor in aicon.factors.values())
    assert {"generation": number} == aicon.sensors["cpu"].metadata == aicon.brain["deep"][0]
    assert (np.full((80, 80), number, np.float32) == aicon.brain["weights"]).all()
    assert number == aicon.run_stats.iterations == aicon.version
    assert [*range(max(1, number - 99), number + 1)] == [update.iteration for update in aicon.run_stats.updates]
    assert {"generation": number} == aicon.run_stats.updates[-1].metadata
    return number


def _say(*words: object) -> None:
    os.write(1, f"{' '.join(map(str, words))}\n".encode())


def _live(url: str) -> None:
    db = aiconsql.connect(url)
    while True:
        try:
            aicon = db.aicons.load("killed")
        except NotFound:
            aicon = AIcon("killed", id="killed")
        number = aicon.run_stats.iterations
        _say("loaded", number)
        try:
            while True:
                number += 1
                generation_of(number, aicon)
                _say("saving", number)
                db.aicons.save(aicon)
                _say("saved", number)
        except Conflict:
            continue  # the save of the one before arrived after we had loaded


def _serve(url: str) -> None:
    for _ in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _live(url)
        _say(pid)
        os.waitpid(pid, 0)
        _say("gone")


if __name__ == "__main__":
    with aiconsql.connect("sqlite://") as warm:
        warm.aicons.save(AIcon("warm"))
    if sys.argv[1].startswith("postgresql"):
        from aiconsql.engine.dialect import postgresql_units  # noqa: F401 - so that a child need not
    _serve(sys.argv[1])
