"""Who wrote first wins; who wrote something else wins too."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from aiconsql import AIcon, Conflict, NotFound
from tests.aicon.sameness import assert_same_aicon, rich_aicon


def both(db, id="ada"):
    """Two objects of one AIcon."""
    return db.aicons.load(id), db.aicons.load(id)


def test_two_factors_both_win(db, ada):
    """B112: two objects change different factors and save: both changes survive."""
    mine, theirs = both(db)
    mine.factors["rate"].value = 0.25
    theirs.factors["mood"].value = "tense"

    assert 2 == db.aicons.save(theirs)
    assert 3 == db.aicons.save(mine)
    assert [0.25, "tense"] == [db.aicons.load("ada").factors[name].value for name in ("rate", "mood")]


def test_every_part_on_its_own_wins(db, ada):
    """B112: own columns, a factor, a sensor, the brain and updates, each saved by an object of its own, all survive."""
    objects = [db.aicons.load("ada") for _ in range(7)]
    objects[0].state["turn"] = 2
    objects[1].factors["rate"].value = 0.25
    objects[2].add_sensor("cpu", interval_s=9)
    objects[3].brain["weights"] = [3]
    objects[4].record_update("four")
    objects[5].record_update("five")
    objects[6].add_factor_discrete("new", 1)
    for each in objects:
        db.aicons.save(each)
    found = db.aicons.load("ada")

    assert (8, 2) == (found.version, found.run_stats.iterations)
    assert ["four", "five"] == [update.source for update in found.run_stats.updates]
    assert [1, 2] == [objects[at].run_stats.updates[0].iteration for at in (4, 5)]
    assert ({"turn": 2}, 0.25, 1) == (found.state, found.factors["rate"].value, found.factors["new"].value)
    assert ({"interval_s": 9}, {"weights": [3]}) == (found.sensors["cpu"].configuration, found.brain)


def test_after_others_saved_one_does_not_undo_them(db, ada):
    """B112: an object that saved beside others does not take their changes for its own."""
    mine, theirs = both(db)
    theirs.state["turn"] = 2
    db.aicons.save(theirs)
    mine.factors["rate"].value = 0.25
    db.aicons.save(mine)
    mine.state["turn"] = 3

    with pytest.raises(Conflict) as told:
        db.aicons.save(mine)
    assert ("aicon", "ada", 2, 1) == (told.value.kind, told.value.key, told.value.have, told.value.expected)
    assert {"turn": 2} == db.aicons.load("ada").state


CHANGES = {
    "factor rate": lambda aicon, n: setattr(aicon.factors["rate"], "value", n / 10),
    "aicon ada": lambda aicon, n: aicon.state.update(turn=n + 5),
    "sensor cpu": lambda aicon, n: aicon.sensors["cpu"].metadata.update(n=n),
    "binary data brain": lambda aicon, n: aicon.brain.update(weights=[n]),
}


@pytest.mark.parametrize("part", CHANGES)
def test_one_part_is_a_conflict(db, ada, look, part):
    """B112: the second gets Conflict that names the part and both versions, and nothing of its save is kept."""
    mine, theirs = both(db)
    CHANGES[part](theirs, 1)
    db.aicons.save(theirs)
    CHANGES[part](mine, 2)
    mine.record_update("lost")
    mine.add_factor_discrete("lost", 1)
    mine.brain["lost"] = list(range(9000))
    before = [look(f"SELECT * FROM {table}") for table in ("aicons", "factors", "parts", "aicon_updates", "history")]

    with pytest.raises(Conflict) as told:
        db.aicons.save(mine)
    assert (part, 2, 1) == (f"{told.value.kind} {told.value.key}", told.value.have, told.value.expected)
    assert f"{part}: version 2, expected 1" == str(told.value).partition("\n")[0]
    assert told.value.__cause__ is not told.value
    assert told.value.__cause__ is not None
    assert before == [
        look(f"SELECT * FROM {table}") for table in ("aicons", "factors", "parts", "aicon_updates", "history")
    ]
    assert_same_aicon(theirs, db.aicons.load("ada"))

    again = db.aicons.load("ada")
    CHANGES[part](again, 2)
    assert 3 == db.aicons.save(again)


def test_added_twice_is_a_conflict(db, ada):
    """A factor, a sensor or a brain that another added meanwhile is not overwritten."""
    bare = AIcon("bare", id="bare")
    db.aicons.save(bare)
    adds = {
        "factor x": lambda aicon, n: aicon.add_factor_discrete("x", n),
        "sensor x": lambda aicon, n: aicon.add_sensor("x", n=n),
        "binary data brain": lambda aicon, n: aicon.brain.update(n=n),
    }
    for part, add in adds.items():
        mine, theirs = both(db, "bare")
        add(theirs, 1)
        add(mine, 2)
        version = db.aicons.save(theirs)

        with pytest.raises(Conflict) as told:
            db.aicons.save(mine)
        assert (part, version, 0) == (f"{told.value.kind} {told.value.key}", told.value.have, told.value.expected)
        assert_same_aicon(theirs, db.aicons.load("bare"))


def test_an_id_in_use_is_a_conflict(db, ada):
    """Another AIcon with the same id is told so, and the first one stays."""
    with pytest.raises(Conflict) as told:
        db.aicons.save(AIcon("Eve", id="ada"))

    assert ("aicon", "ada", 1, 0) == (told.value.kind, told.value.key, told.value.have, told.value.expected)
    assert_same_aicon(ada, db.aicons.load("ada"))


@pytest.mark.parametrize(
    ("part", "remove"),
    {
        "factor rate": lambda aicon: aicon.factors.pop("rate"),
        "sensor cpu": lambda aicon: aicon.sensors.clear(),
        "binary data brain": lambda aicon: aicon.brain.clear(),
    }.items(),
    ids=["factor", "sensor", "brain"],
)
def test_removed_by_the_other_is_a_conflict(db, ada, part, remove):
    """A changed part that another removed meanwhile: Conflict, and it stays removed; the other way round as well."""
    ada.record_update("the AIcon's version is past its part's")
    db.aicons.save(ada)
    mine, theirs = both(db)
    remove(theirs)
    db.aicons.save(theirs)
    CHANGES[part](mine, 2)
    with pytest.raises(Conflict) as told:
        db.aicons.save(mine)
    assert (part, None, 1) == (f"{told.value.kind} {told.value.key}", told.value.have, told.value.expected)
    assert_same_aicon(theirs, db.aicons.load("ada"))

    other = rich_aicon("ada2")
    other.factors["rate"], other.sensors["cpu"] = ada.factors["rate"], ada.sensors["cpu"]
    db.aicons.save(other)
    mine, theirs = both(db, "ada2")
    CHANGES[part](theirs, 3)
    db.aicons.save(theirs)
    remove(mine)
    with pytest.raises(Conflict) as told:
        db.aicons.save(mine)
    assert (2, 1) == (told.value.have, told.value.expected)
    assert_same_aicon(theirs, db.aicons.load("ada2"))


def test_removed_by_both_is_none(db, ada):
    """What both removed is gone, and nobody minds."""
    mine, theirs = both(db)
    del mine.factors["rate"], theirs.factors["rate"]
    db.aicons.save(theirs)
    db.aicons.save(mine)

    assert ["mood"] == list(db.aicons.load("ada").factors)


def test_an_odd_name_is_told_whole(db, ada):
    """The key of a conflict is the name, colons and all."""
    ada.add_factor_discrete("a: no such row: b", 1)
    db.aicons.save(ada)
    mine, theirs = both(db)
    del theirs.factors["a: no such row: b"]
    db.aicons.save(theirs)
    mine.factors["a: no such row: b"].value = 2
    with pytest.raises(Conflict) as told:
        db.aicons.save(mine)

    assert ("factor", "a: no such row: b", None, 2) == (
        told.value.kind,
        told.value.key,
        told.value.have,
        told.value.expected,
    )


def test_a_deleted_aicon_is_a_conflict(db, ada):
    """Whoever still holds it cannot bring it back by saving; the error names the AIcon, not one of its parts."""
    held = db.aicons.load("ada")
    db.aicons.delete("ada")
    for change in (CHANGES["factor rate"], CHANGES["aicon ada"], lambda aicon, _: aicon.record_update()):
        change(held, 2)
        with pytest.raises(Conflict) as told:
            db.aicons.save(held)
        assert ("aicon", "ada", None, 1) == (told.value.kind, told.value.key, told.value.have, told.value.expected)
    with pytest.raises(NotFound):
        db.aicons.load("ada")


def test_deleting_takes_everything(db, ada, look, entries):
    """B89: deleting the AIcon removes its rows and keeps its history; an unknown one returns False."""
    other = rich_aicon("other")
    db.aicons.save(other)
    rows = "SELECT count(*) FROM {} WHERE aicon_id = 'ada'"
    assert db.aicons.delete("ada") is True

    assert db.aicons.delete("ada") is False
    assert db.aicons.delete("unknown") is False
    assert [[(0,)]] * 4 == [
        look(rows.format(table)) for table in ("factors", "sensors", "binary_data", "aicon_updates")
    ]
    assert [
        ("aicons", "ada"),
        ("binary_data", "brain"),
        ("factors", "mood"),
        ("factors", "rate"),
        ("sensors", "cpu"),
    ] == sorted(entry[:2] for entry in entries(2) if entry[2:] == (2, "D"))
    assert_same_aicon(other, db.aicons.load("other"))


def test_an_id_used_again_goes_on_counting(db, ada, entries):
    """A new AIcon under the id of a deleted one has the next version: no holder takes it for the old one."""
    held = db.aicons.load("ada")
    db.aicons.delete("ada")
    new = AIcon("Ada the second", id="ada")
    new.add_factor_continuous("rate", 0.5, lower_bound=0, upper_bound=1)

    assert 3 == db.aicons.save(new) == db.aicons.load("ada").version
    assert [("aicons", "ada", 3, "I"), ("factors", "rate", 3, "I")] == entries(3)
    held.factors["rate"].value = 0.1
    with pytest.raises(Conflict) as told:
        db.aicons.save(held)
    assert (3, 1) == (told.value.have, told.value.expected)


def test_racing_savers_lose_nothing(db, connect):
    """B112: eight threads change their own factor and one in common, each until it wins; nothing is missed."""
    aicon = AIcon("Ada", id="ada")
    for number in range(8):
        aicon.add_factor_discrete(f"f{number}", 0)
    aicon.add_factor_discrete("all", 0)
    db.aicons.save(aicon)
    barrier = threading.Barrier(8)

    def race(number):
        barrier.wait()
        for turn in range(1, 6):
            while True:
                mine = db.aicons.load("ada")
                mine.factors[f"f{number}"].value = turn
                mine.factors["all"].value += 1
                mine.record_update(f"{number}")
                try:
                    db.aicons.save(mine)
                    break
                except Conflict as conflict:
                    assert "all" == conflict.key  # noqa: PT017 - the loop goes on
        return True

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(race, range(8)))
    found = db.aicons.load("ada")
    assert {**{f"f{number}": 5 for number in range(8)}, "all": 40} == {n: f.value for n, f in found.factors.items()}
    assert (41, 40) == (found.version, found.run_stats.iterations)
