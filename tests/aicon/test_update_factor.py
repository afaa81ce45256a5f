"""One statement merges a factor's value, whatever others do."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from aiconsql import AIcon, InvalidValue, NotFound
from aiconsql.engine.queries import catalogue
from tests.aicon.sameness import rich_aicon

KEPT = [
    column for column in catalogue().tables["factors"] if column not in {"version", "current_belief", "last_updated"}
]


def test_only_value_and_time_change(db, look):
    """B89: value and last_updated change, the version moves; every other column, and the rest of the belief, stays."""
    db.aicons.save(rich_aicon("ada"))
    columns = ", ".join(f"CAST({column} AS text)" if column == "parameters" else column for column in KEPT)
    before = look(f"SELECT {columns} FROM factors ORDER BY name")
    belief = db.aicons.load("ada").factors["rate"].belief
    times = dict(look("SELECT name, last_updated FROM factors"))

    assert 2 == db.aicons.update_factor("ada", "rate", 0.75)
    after = dict(look("SELECT name, last_updated FROM factors"))
    loaded = db.aicons.load("ada")
    assert before == look(f"SELECT {columns} FROM factors ORDER BY name")
    assert (0.75, belief) == (loaded.factors["rate"].value, loaded.factors["rate"].belief)
    assert {"rate"} == {name for name in times if times[name] != after[name]}
    assert [("rate", 2)] == look("SELECT name, version FROM factors WHERE version > 1")
    assert loaded.version == db.aicons.save(loaded)


ACCEPTED = [("rate", 0), ("rate", 1), ("rate", 0.5), ("mood", "tense"), ("tries", 2**61), ("tries", 3.0)]
REFUSED = {
    "below": ("rate", -0.001), "above": ("rate", 2), "far": ("rate", 10**30), "text": ("rate", "0.5"),
    "truth": ("rate", True), "none": ("rate", None), "nan": ("rate", float("nan")), "infinity": ("rate", float("inf")),
    "minus zero": ("rate", -0.0), "dict": ("rate", {}), "function": ("rate", print), "category": ("mood", "wild"),
    "number": ("mood", 1), "list": ("mood", ["calm"]), "surrogate": ("mood", "\ud800"), "nul": ("mood", "ca\0lm"),
    "fraction": ("tries", 3.5), "low": ("tries", 0),
}  # fmt: skip


def test_what_fits_is_taken(db):
    """Bounds are inclusive; a whole number may be written as a float."""
    db.aicons.save(rich_aicon("ada"))
    for version, (name, value) in enumerate(ACCEPTED, 2):
        assert version == db.aicons.update_factor("ada", name, value)
        assert value == db.aicons.load("ada").factors[name].value


def test_what_does_not_fit_moves_nothing(db, look, entries):
    """B89: out of bounds, no category, no number: InvalidValue with the place; no row, no version, no history entry."""
    db.aicons.save(rich_aicon("ada"))
    before = look("SELECT * FROM aicons"), look("SELECT * FROM factors ORDER BY name")
    for name, value in REFUSED.values():
        with pytest.raises(InvalidValue) as told:
            db.aicons.update_factor("ada", name, value)
        assert f"$.factors.{name}.value" == told.value.where

    assert before == (look("SELECT * FROM aicons"), look("SELECT * FROM factors ORDER BY name"))
    assert [] == entries(2)


def test_what_is_not_there_is_told(db, ada, entries):
    """B89: an unknown factor or AIcon is NotFound by its name, and moves nothing."""
    with pytest.raises(NotFound, match=r"^aicon ada: factor nope: not found$"):
        db.aicons.update_factor("ada", "nope", 1)
    with pytest.raises(NotFound, match=r"^aicon eve: not found$"):
        db.aicons.update_factor("eve", "rate", 1)

    assert [] == entries(2)
    assert 1 == db.aicons.load("ada").version


def test_updates_by_threads_all_survive(db):
    """B89: concurrent updates of many factors by threads all survive, and each has a version of its own."""
    aicon = AIcon("Ada", id="ada")
    for number in range(6):
        aicon.add_factor_discrete(f"f{number}", 0)
    db.aicons.save(aicon)

    def update(number):
        return [db.aicons.update_factor("ada", f"f{number}", value) for value in range(1, 11)]

    with ThreadPoolExecutor(6) as pool:
        versions = [version for each in pool.map(update, range(6)) for version in each]
    assert list(range(2, 62)) == sorted(versions)
    assert {10} == {factor.value for factor in db.aicons.load("ada").factors.values()}


_PROCESS = """
import sys, aiconsql
url, name = sys.argv[1:]
with aiconsql.connect(url) as db:
    sys.stdin.readline()
    for value in range(1, 26):
        db.aicons.update_factor("ada", name, value)
"""


@pytest.mark.parametrize("face", ["blocking"], indirect=True)
def test_updates_by_processes_all_survive(db, url):
    """B89: two processes update two factors of one AIcon at the same time, and both survive."""
    aicon = AIcon("Ada", id="ada")
    names = ("left", "right")
    for name in names:
        aicon.add_factor_discrete(name, 0)
    db.aicons.save(aicon)
    command = [sys.executable, "-c", _PROCESS, url]
    processes = [subprocess.Popen([*command, name], stdin=subprocess.PIPE, text=True) for name in names]
    for process in processes:
        process.communicate("go\n", timeout=60)
    found = db.aicons.load("ada")

    assert [0, 0] == [process.returncode for process in processes]
    assert (51, 25, 25) == (found.version, found.factors["left"].value, found.factors["right"].value)


def test_an_update_beside_a_saver(db, ada):
    """A merged value is not undone by who changed another part, and is a conflict for who changed the same."""
    beside, against = db.aicons.load("ada"), db.aicons.load("ada")
    db.aicons.update_factor("ada", "rate", 0.75)
    beside.factors["mood"].value = "tense"
    beside.state["turn"] = 2
    db.aicons.save(beside)

    assert 0.75 == db.aicons.load("ada").factors["rate"].value
    against.factors["rate"].value = 0.1
    with pytest.raises(Exception, match="factor rate: version 2, expected 1"):
        db.aicons.save(against)
