"""What cannot be stored is told by its place; nothing of it is kept, and the object goes on."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta, timezone
from functools import partial

import numpy as np
import pytest

from aiconsql import AIcon, InvalidValue, Sensor
from tests.aicon.sameness import assert_same_aicon

LOCK = threading.Lock()
FAR = datetime.max.replace(tzinfo=timezone(timedelta(hours=-5)))
NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001 - that is the point
CYCLE: list[object] = []
CYCLE.append(CYCLE)


def into(container, key, value):
    """A change that puts a value somewhere."""
    return lambda aicon: getattr(aicon, container).update({key: value})


def attribute(name, value):
    """A change of an attribute."""
    return lambda aicon: setattr(aicon, name, value)


def of_factor(name, value):
    """A change of the factor `rate`."""
    return lambda aicon: setattr(aicon.factors["rate"], name, value)


def of_sensor(name, value):
    """A change of the sensor `cpu`."""
    return lambda aicon: setattr(aicon.sensors["cpu"], name, value)


def renamed(aicon):
    """A factor whose name is not that under which it is kept."""
    aicon.factors["rate"].name = "other"


BAD = {
    "callback": (into("brain", "utility", {"callback": print}), "$.brain.utility.callback"),
    "lock": (into("state", "lock", [LOCK]), "$.state.lock[0]"),
    "nan in json": (into("state", "x", {"y": float("nan")}), "$.state.x.y"),
    "infinity in json": (into("config", "x", float("-inf")), "$.config.x"),
    "nul": (into("metadata", "x", "a\0b"), "$.metadata.x"),
    "half a surrogate pair": (into("state", "x", ["\ud800"]), "$.state.x[0]"),
    "object array": (into("brain", "x", np.array([object()])), "$.brain.x"),
    "object samples": (of_factor("samples", np.array([object()])), "$.factors.rate.samples"),
    "samples that are none": (of_factor("samples", [1, 2]), "$.factors.rate.samples"),
    "cycle": (into("state", "x", CYCLE), None),
    "naive birth": (attribute("created_at", NAIVE), "$.created_at"),
    "text birth": (attribute("created_at", "2026-01-01T00:00:00"), "$.created_at"),
    "birth after all years": (attribute("created_at", FAR), "$.created_at"),
    "naive sensor": (of_sensor("last_update", NAIVE), "$.sensors.cpu.last_update"),
    "sensor after all years": (of_sensor("last_update", FAR), "$.sensors.cpu.last_update"),
    "sensor configuration": (of_sensor("configuration", {"f": print}), "$.sensors.cpu.configuration.f"),
    "sensor type": (of_sensor("sensor_type", None), "$.sensors.cpu.sensor_type"),
    "no name": (attribute("name", ""), "$.name"),
    "name no text": (attribute("name", b"Ada"), "$.name"),
    "name with nul": (attribute("name", "A\0da"), "$.name"),
    "name with half a pair": (attribute("name", "\udfff"), "$.name"),
    "name too long": (attribute("name", "\u00e4" * 401), "$.name"),
    "type no text": (attribute("aicon_type", 3), "$.aicon_type"),
    "no dict": (attribute("factors", [1]), "$.factors"),
    "no factor": (into("factors", "x", 0.5), "$.factors.x"),
    "no sensor": (into("sensors", "x", None), "$.sensors.x"),
    "factor name no text": (into("factors", 5, None), "$.factors[5]"),
    "sensor name empty": (into("sensors", "", Sensor("")), "$.sensors['']"),
    "factor renamed": (renamed, "$.factors.rate.name"),
    "factor value": (of_factor("value", 7.0), "$.factors.rate.value"),
    "factor type": (of_factor("factor_type", "vague"), "$.factors.rate.factor_type"),
    "array in parameters": (of_factor("parameters", {"alpha": np.ones(3)}), "$.factors.rate.parameters"),
    "belief": (of_factor("belief", {"why": {1, 2}}), "$.factors.rate.why"),
}


def test_a_bad_value_keeps_nothing_of_a_new_aicon(db, look):
    """Each InvalidValue has the place and is told before anything is stored."""
    for name, (spoil, where) in BAD.items():
        aicon = AIcon("Ada", id="ada")
        aicon.add_factor_continuous("rate", 0.5, upper_bound=1)
        aicon.add_sensor("cpu")
        spoil(aicon)
        with pytest.raises(InvalidValue) as told:
            db.aicons.save(aicon)
        assert where in (None, told.value.where), name
        assert str(told.value).startswith(told.value.where), name
        assert 0 == aicon.version

    assert [[]] * 4 == [look(f"SELECT * FROM {table}") for table in ("aicons", "factors", "parts", "history")]


def test_a_bad_value_keeps_nothing_of_a_change(db, ada, look):
    """Nothing of the save is kept; the object, with the bad value taken out, is saved as if nothing had been."""
    before = [look(f"SELECT * FROM {table}") for table in ("aicons", "factors", "aicon_updates", "parts", "history")]
    for spoil, _ in BAD.values():
        aicon = db.aicons.load("ada")
        aicon.record_update("kept in the object")
        aicon.factors["mood"].value = "tense"
        spoil(aicon)
        with pytest.raises(InvalidValue):
            db.aicons.save(aicon)
    assert before == [
        look(f"SELECT * FROM {table}") for table in ("aicons", "factors", "aicon_updates", "parts", "history")
    ]

    aicon = db.aicons.load("ada")
    aicon.record_update("counted once")
    aicon.state["f"] = print
    for _ in range(2):
        with pytest.raises(InvalidValue):
            db.aicons.save(aicon)
    del aicon.state["f"]
    assert 2 == db.aicons.save(aicon)
    assert 1 == db.aicons.load("ada").run_stats.iterations
    assert_same_aicon(aicon, db.aicons.load("ada"))


IDS = {
    "none": None,
    "number": 5,
    "bytes": b"ada",
    "empty": "",
    "nul": "a\0",
    "half a pair": "\ud83d",
    "long": "x" * 801,
}


def test_an_id_is_a_text(db):
    """Every operation that takes an id says so, with the place; so does every one that takes a name."""
    aicons = db.aicons
    for bad in IDS.values():
        aicon = AIcon("Ada")
        aicon.id = bad
        for call in (
            partial(aicons.save, aicon),
            *(partial(c, bad) for c in (aicons.load, aicons.delete, aicons.updates)),
        ):
            with pytest.raises(InvalidValue) as told:
                call()
            assert "$.id" == told.value.where
        for call in (
            partial(aicons.update_factor, bad, "rate", 1),
            partial(aicons.update_factor, "ada", bad, 1),
            partial(aicons.find, bad),
            partial(aicons.list, aicon_type=5 if bad is None else bad),
        ):
            with pytest.raises(InvalidValue):
                call()


def test_an_id_does_not_change(db, ada):
    """A stored AIcon under another id would write over another one."""
    eve = AIcon("Eve", id="eve")
    db.aicons.save(eve)
    ada.id, ada.name = "eve", "Ada"
    with pytest.raises(InvalidValue, match="an id does not change"):
        db.aicons.save(ada)

    assert "Eve" == db.aicons.load("eve").name


@pytest.mark.parametrize(
    ("record", "where"),
    [
        (("",), "$.updates.source"),
        ((5,), "$.updates.source"),
        (("a\0",), "$.updates.source"),
        (("s", True, {"f": print}), "$.updates.metadata.f"),
        (("s", True, {"a": np.ones(3)}), "$.updates.metadata"),
        (("s", True, {"a": float("nan")}), "$.updates.metadata.a"),
    ],
)
def test_a_bad_update_is_not_counted(record, where):
    """It is told when it is recorded; a save would fail for ever with it."""
    aicon = AIcon("Ada")
    with pytest.raises(InvalidValue) as told:
        aicon.record_update(*record)

    assert where == told.value.where
    assert (0, [], []) == (aicon.run_stats.iterations, aicon.run_stats.updates, aicon._new_updates)


def test_naive_run_statistics_are_refused(db):
    """A time without time zone in the statistics is told by its place."""
    aicon = AIcon("Ada")
    aicon.run_stats.start_time = NAIVE
    with pytest.raises(InvalidValue) as told:
        db.aicons.save(aicon)
    assert "$.run_stats.start_time" == told.value.where

    aicon.run_stats.start_time = datetime(2026, 1, 1, tzinfo=UTC)
    aicon.run_stats.iterations = -1
    with pytest.raises(InvalidValue) as told:
        db.aicons.save(aicon)
    assert "$.run_stats.iterations" == told.value.where


def test_only_an_aicon_is_one(db):
    """Anything else is refused, and so is a text for a list of capabilities."""
    for other in ({}, None, "Ada"):
        with pytest.raises(InvalidValue, match=r"^\$: a \w+ is no AIcon$"):
            db.aicons.save(other)
    with pytest.raises(InvalidValue) as told:
        AIcon("Ada", "base", "watch")

    assert "$.capabilities" == told.value.where


def test_kept_updates_is_a_whole_number(db):
    """Anything else is refused by name."""
    for kept in (-1, "all", 1.5, None):
        with pytest.raises(InvalidValue) as told:
            db.aicons.save(AIcon("Ada"), kept_updates=kept)
        assert "kept_updates" == told.value.where
