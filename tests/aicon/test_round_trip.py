"""Everything an AIcon holds comes back as it was, bit by bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import aiconsql
from aiconsql import AIcon, Factor
from aiconsql.aicon.loading import assemble
from tests.aicon.sameness import assert_same_aicon, assert_same_value, rich_aicon
from tests.codec.values import arrays, documents

ONE_DATABASE = settings(
    max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def test_an_aicon_comes_back_as_it_was(db, connect):
    """B87: identity, documents, factors, sensors, brain, statistics and created_at with its offset are equal."""
    aicon = rich_aicon()
    version = db.aicons.save(aicon)
    loaded = connect().aicons.load(aicon.id)

    assert 1 == version == aicon.version == loaded.version
    assert_same_aicon(aicon, loaded)
    assert aicon.last_updated == loaded.last_updated


def test_an_empty_aicon_comes_back_empty(db):
    """A name is enough."""
    aicon = AIcon("Ada")
    db.aicons.save(aicon)
    loaded = db.aicons.load(aicon.id)

    assert_same_aicon(aicon, loaded)
    assert ({}, {}, {}, []) == (loaded.brain, loaded.factors, loaded.sensors, loaded.run_stats.updates)


def test_a_loaded_aicon_goes_on(db):
    """Changed, added and removed in every place after a load, it comes back as it was again."""
    aicon = rich_aicon()
    db.aicons.save(aicon)
    going = db.aicons.load(aicon.id)
    going.name, going.aicon_type, going.capabilities = "Augusta", "wanderer", []
    going.state["turn"] += 1
    going.brain["posterior_samples"]["rate"][0, 0] = np.nan
    going.brain["utility"] = None
    going.factors["rate"].samples[3] = 7.0
    going.factors["mood"].value = "tense"
    del going.factors["tries"], going.sensors["quiet"]
    going.add_factor_discrete("new", 1)
    going.add_sensor("new", depth=[1])
    going.record_update("third")
    version = db.aicons.save(going)

    assert 2 == version
    assert [1, 2, 3] == [update.iteration for update in going.run_stats.updates]
    assert_same_aicon(going, db.aicons.load(aicon.id))


def test_a_brain_may_be_anything(db):
    """A brain that is no dict, or empty, comes back; and one that was there can go."""
    for brain in ({}, None, [], 0, "thought", np.arange(3.0), {"a": {}}):
        aicon = AIcon("Ada")
        aicon.brain = brain
        db.aicons.save(aicon)
        loaded = db.aicons.load(aicon.id)
        assert_same_value(brain, loaded.brain)

        loaded.brain = {}
        db.aicons.save(loaded)
        assert {} == db.aicons.load(aicon.id).brain


def test_a_mixture_comes_back(db):
    """Any nested mixture of arrays and plain values, as state, as sensor configuration and as brain."""

    @ONE_DATABASE
    @given(documents)
    def comes_back(value):
        aicon = AIcon("Ada")
        aicon.state, aicon.brain = {"value": value}, {"value": value}
        aicon.add_sensor("one").configuration = {"value": value}
        db.aicons.save(aicon)
        loaded = db.aicons.load(aicon.id)

        assert_same_value(aicon.state, loaded.state)
        assert_same_value(aicon.brain, loaded.brain)
        assert_same_value(aicon.sensors["one"].configuration, loaded.sensors["one"].configuration)
        assert aicon.version == db.aicons.save(loaded) == db.aicons.save(aicon)

    comes_back()


def test_any_array_comes_back(db):
    """B114: any dtype, byte order, memory order and shape, as factor samples, in the brain and in the state."""

    @ONE_DATABASE
    @given(arrays())
    def comes_back(array):
        assert_array_comes_back(db, array)

    comes_back()


def _dtypes():
    codes = [code for code in np.typecodes["All"] if code not in "OVMm"] + ["M8[us]", "m8[h]", "V3", "U3", "S4"]
    swapped = [np.dtype(code).newbyteorder("S") for code in codes]
    return [*map(np.dtype, codes), *swapped, np.dtype([("a", "<i2"), ("b", [("x", ">f8")])])]


def test_every_dtype_comes_back(db):
    """B114: each dtype of numpy in both byte orders, with zero size, without dimensions, in C and in Fortran order."""
    rng = np.random.default_rng(3)
    for dtype in _dtypes():
        for shape in [(), (0,), (2, 0), (3, 4)]:
            data = np.ndarray(shape, dtype, rng.bytes(int(np.prod(shape)) * dtype.itemsize or 1))
            assert_array_comes_back(db, data if dtype.char != "U" else np.full(shape, "ü", dtype))
        assert_array_comes_back(db, np.zeros((3, 4), dtype, order="F"))


@pytest.mark.parametrize("mask", [False, True, [[True, False], [False, True]]], ids=["none", "all", "some"])
def test_a_masked_array_comes_back(db, mask):
    """B114: a masked array keeps data, mask and fill value, below the mask too."""
    array = np.ma.masked_array(np.array([[1.5, np.nan], [np.inf, -0.0]]), mask=mask, fill_value=9.0)

    assert_array_comes_back(db, array)


def assert_array_comes_back(db, array):
    """From a factor, a brain and a state, equal bit by bit and writeable; and an unchanged one is not sent again."""
    aicon = AIcon("Ada")
    aicon.factors["one"] = Factor("one", "continuous", 1.0, samples=array)
    aicon.brain, aicon.state = {"deep": [array]}, {"array": array}
    db.aicons.save(aicon)
    loaded = db.aicons.load(aicon.id)

    for found in (loaded.factors["one"].samples, loaded.brain["deep"][0], loaded.state["array"]):
        assert_same_value(np.asanyarray(array), found)
        assert found.flags.writeable
    assert aicon.version == db.aicons.save(loaded)


NUMBERS = [0.1, 5e-324, 1.7976931348623157e-308, 2.0**53 - 1, 10**30, -7, np.float32(0.1), np.int8(-3)]


def test_a_number_comes_back(db):
    """Each float and each whole number that jsonb can keep, as the value of a factor and by `update_factor`."""
    for value in NUMBERS:
        aicon = AIcon("Ada")
        factor = aicon.add_factor_continuous("x", value)
        db.aicons.save(aicon)
        assert_same_value(factor.value, db.aicons.load(aicon.id).factors["x"].value)

        db.aicons.update_factor(aicon.id, "x", value)
        loaded = db.aicons.load(aicon.id)
        assert_same_value(factor.value, loaded.factors["x"].value)
        assert 2 == db.aicons.save(loaded)


def test_the_order_of_parts_is_that_of_their_names(db):
    """However the database gives its rows back."""
    db.aicons.save(rich_aicon("ada"))
    rows = db.query("aicons.load", id="ada", updates_n=100)
    found = [assemble("ada", "here", some) for some in (rows, rows[::-1])]

    assert [["a name: with [odd] 'signs'", "mood", "rate", "tries"]] * 2 == [list(each.factors) for each in found]
    assert [["boot", "sensor"]] * 2 == [[update.source for update in each.run_stats.updates] for each in found]


def test_names_of_the_public_surface():
    """What AIcons are made of can be imported from the package itself."""
    assert {"AIcon", "AIconSummary", "Factor", "RunStats", "Sensor", "Update"} <= set(aiconsql.__all__)
