"""A save sends what changed, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from aiconsql import AIcon, Conflict
from tests.aicon.sameness import assert_same_aicon, rich_aicon


def test_one_changed_factor_of_a_hundred_is_one_row(db, look, entries):
    """B111: of 100 factors one changed: one factor row is written, its version moves, and the history has one entry."""
    aicon = AIcon("Ada", id="ada")
    for number in range(100):
        aicon.add_factor_continuous(f"f{number:02}", number, samples=np.full(9, number))
    db.aicons.save(aicon)
    before = look("SELECT name, version, last_updated FROM factors ORDER BY name")
    aicon.factors["f42"].value = 0.5
    version = db.aicons.save(aicon)
    changed = set(look("SELECT name, version, last_updated FROM factors ORDER BY name")) - set(before)

    assert 2 == version == db.aicons.load("ada").version
    assert [("f42", 2)] == [row[:2] for row in changed]
    assert [("factors", "f42", 2, "U")] == entries(2)
    assert [(2, 1)] == look("SELECT version, self_version FROM aicons")


@pytest.mark.parametrize("fresh", [False, True], ids=["saved", "loaded"])
def test_an_unchanged_aicon_sends_nothing(db, look, fresh):
    """Neither after a save nor after a load, whatever it holds: no round trip, no version, no history."""
    aicon = rich_aicon("ada")
    db.aicons.save(aicon)
    if fresh:
        aicon = db.aicons.load("ada")
    before = look("SELECT count(*), max(seq) FROM history")
    db.close()  # who asks it now fails

    assert 1 == db.aicons.save(aicon)
    assert before == look("SELECT count(*), max(seq) FROM history")


@pytest.mark.parametrize("part", ["config", "sensors", "brain", "samples", "parameters", "update", "name"])
def test_only_the_changed_row_is_written(db, entries, part):
    """A change of one place is one row, of its table."""
    aicon = rich_aicon("ada")
    db.aicons.save(aicon)
    aicon = db.aicons.load("ada")
    change = {
        "config": lambda: aicon.config.update(z=2),
        "sensors": lambda: setattr(aicon.sensors["cpu"], "last_update", aicon.last_updated),
        "brain": lambda: aicon.brain["posterior_samples"]["rate"].put([0], [9.0]),
        "samples": lambda: aicon.factors["tries"].samples.put([0], [9]),
        "parameters": lambda: aicon.factors["rate"].parameters.update(uncertainty=0.02),
        "update": aicon.record_update,
        "name": lambda: setattr(aicon, "name", "Augusta"),
    }
    change[part]()
    written = {
        "config": [("aicons", "ada")], "sensors": [("sensors", "cpu")], "brain": [("binary_data", "brain")],
        "samples": [("factors", "tries")], "parameters": [("factors", "rate")], "name": [("aicons", "ada")],
        "update": [],
    }  # fmt: skip

    assert 2 == db.aicons.save(aicon)
    assert written[part] == [entry[:2] for entry in entries(2)]
    assert_same_aicon(aicon, db.aicons.load("ada"))


def test_the_update_history_is_bounded(db, look):
    """The newest `kept_updates` rows stay, numbered by iteration; an object carries the latest hundred."""
    aicon = AIcon("Ada", id="ada")
    for number in range(2000):
        aicon.record_update(f"source {number}", bool(number % 2), {"n": number})
    db.aicons.save(aicon)
    assert [(1000, 1001, 2000)] == look("SELECT count(*), min(iteration), max(iteration) FROM aicon_updates")

    aicon.record_update()
    db.aicons.save(aicon, kept_updates=30)
    loaded = db.aicons.load("ada")
    assert [(30, 1972, 2001)] == look("SELECT count(*), min(iteration), max(iteration) FROM aicon_updates")
    assert 2001 == loaded.run_stats.iterations
    assert aicon.run_stats.updates[-30:] == loaded.run_stats.updates

    loaded.record_update()
    db.aicons.save(loaded, kept_updates=0)
    assert [] == db.aicons.load("ada").run_stats.updates
    assert 2002 == db.aicons.load("ada").run_stats.iterations


def test_equal_bytes_are_stored_once(db, look):
    """One part for the same array in two AIcons, in two places, in two versions."""
    array = np.random.default_rng(1).random(10_000)
    for name in ("a", "b"):
        aicon = AIcon(name, id=name)
        aicon.brain = {"one": array}
        aicon.add_factor_continuous("x", 1.0, samples=array)
        db.aicons.save(aicon)
        aicon.brain["two"] = 2
        db.aicons.save(aicon)

    assert [(1,)] == look("SELECT count(*) FROM parts")


def test_large_things_come_back(db):
    """A brain of 5 MB, a thousand factors and a state of 1 MB; and once more after one place of each changed."""
    rng = np.random.default_rng(2)
    aicon = AIcon("Ada", id="ada")
    aicon.brain = {"weights": rng.random((800, 800)), "text": "thought " * 1000}
    aicon.state = {"log": [f"line {number} {rng.random()}" for number in range(30_000)]}
    for number in range(1000):
        aicon.add_factor_continuous(f"f{number}", number)
    db.aicons.save(aicon)
    loaded = db.aicons.load("ada")
    assert_same_aicon(aicon, loaded)

    loaded.brain["weights"][400, 400] = -1
    loaded.state["log"].append("one more")
    loaded.factors["f500"].value = 0
    assert 2 == db.aicons.save(loaded)
    assert_same_aicon(loaded, db.aicons.load("ada"))


def test_a_growing_state_comes_back(db):
    """A state that grows past the size of a row, through many saves, is always the last one."""
    aicon = AIcon("Ada", id="ada")
    aicon.state = {"turns": []}
    for turn in range(1, 60):
        aicon.state["turns"].append(f"{turn} " * 100)
        assert turn == db.aicons.save(aicon)
        if turn % 10 == 0:
            aicon = db.aicons.load("ada")

    assert_same_aicon(aicon, db.aicons.load("ada"))


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
def test_known_parts_are_not_sent_again(connect, wire, pg_url, face):
    """One changed piece of a brain of 2.5 MB is what travels, not the brain; a changed plain value next to nothing."""
    db = connect(wire.url(pg_url))
    aicon = AIcon("Ada")
    aicon.brain = {"weights": np.random.default_rng(4).random(320_000), "step": 0}
    db.aicons.save(aicon)
    aicon = db.aicons.load(aicon.id)
    aicon.brain["step"] = 1
    with wire.count() as plain:
        db.aicons.save(aicon)
    aicon.brain["weights"][0] = 0.0
    with wire.count() as one:
        db.aicons.save(aicon)

    assert 3_000 > plain.bytes_up
    assert 256 * 1024 < one.bytes_up < 270 * 1024
    assert 1 == plain.round_trips == one.round_trips


def test_a_second_database_gets_all_of_it(connect):
    """An AIcon saved into another tenant is a new one there, whole; the first stays as it was."""
    here, there = connect(tenant="here"), connect(tenant="there")
    aicon = AIcon("Ada")
    aicon.add_factor_continuous("rate", 0.5)
    here.aicons.save(aicon)
    aicon.state["turn"] = 2

    assert there.aicons.save(aicon) == 1
    assert there.aicons.load(aicon.id).factors["rate"].value == 0.5
    assert here.aicons.load(aicon.id).state == {}
    with pytest.raises(Conflict):
        here.aicons.save(aicon)
