"""What a factor takes, told before anything is stored."""

from __future__ import annotations

import json
from decimal import Decimal

import numpy as np
import pytest

from aiconsql import AIcon, Factor, InvalidValue

REFUSED = {
    "below": (("continuous", -0.1, {"lower_bound": 0}), "value"),
    "above": (("continuous", 1.1, {"upper_bound": np.float64(1)}), "value"),
    "text": (("continuous", "high", {}), "value"),
    "truth": (("continuous", True, {}), "value"),
    "numpy truth": (("continuous", np.True_, {}), "value"),
    "none": (("discrete", None, {}), "value"),
    "nan": (("continuous", float("nan"), {}), "value"),
    "infinity": (("continuous", np.float32("inf"), {}), "value"),
    "array": (("continuous", np.array([1.0, 2.0]), {}), "value"),
    "decimal": (("continuous", Decimal(1), {}), "value"),
    "fraction": (("discrete", 1.5, {}), "value"),
    "huge and above": (("discrete", 10**400, {"max_value": 5}), "value"),
    "no category": (("categorical", "wild", {"categories": ["calm"]}), "value"),
    "truth is not one": (("categorical", True, {"categories": [1, 2]}), "value"),
    "list": (("categorical", ["calm"], {"categories": [["calm"]]}), "value"),
    "type": (("fuzzy", 1, {}), "factor_type"),
    "bound": (("continuous", 1, {"lower_bound": "low"}), "parameters.lower_bound"),
    "parameters": (("continuous", 1, None), "parameters"),
}


@pytest.mark.parametrize(("made", "where"), REFUSED.values(), ids=REFUSED)
def test_a_value_that_does_not_fit_is_refused(made, where):
    """The error names the factor and what of it."""
    factor_type, value, parameters = made
    with pytest.raises(InvalidValue) as told:
        Factor("odd name", factor_type, value, parameters).checked_parameters()

    assert f"$.factors['odd name'].{where}" == told.value.where
    assert str(told.value).startswith(told.value.where)


@pytest.mark.parametrize(
    "probabilities", [[1], [0.5, 0.6], [-0.5, 1.5], [float("nan"), 1], ["a", "b"], np.array([0.5, 0.4])], ids=str
)
def test_probabilities_are_shares(probabilities):
    """One from 0 to 1 for each category, and they sum to 1."""
    with pytest.raises(InvalidValue) as told:
        AIcon("Ada").add_factor_categorical("mood", "calm", categories=["calm", "tense"], probabilities=probabilities)

    assert "$.factors.mood.probabilities" == told.value.where


def test_a_category_is_needed():
    """No category, no value."""
    with pytest.raises(InvalidValue):
        AIcon("Ada").add_factor_categorical("mood", "calm", categories=[])


def test_numpy_parameters_become_plain():
    """Numbers of numpy are kept as plain ones, which the database compares values with."""
    aicon = AIcon("Ada")
    aicon.add_factor_continuous("x", np.float64(0.5), lower_bound=np.float32(0), upper_bound=np.int8(1))
    aicon.add_factor_categorical("y", np.str_("a"), categories=np.array(["a", "b"]), probabilities=np.array([0.5, 0.5]))
    factors = aicon.factors.values()

    assert [
        {"uncertainty": 0.1, "lower_bound": 0.0, "upper_bound": 1},
        {"categories": ["a", "b"], "probabilities": [0.5, 0.5]},
    ] == [json.loads(json.dumps(factor.parameters)) for factor in factors]
    assert [float, str] == [type(factor.value) for factor in factors]


def test_bounds_set_later_are_compared(db):
    """A bound of numpy's, put into the parameters of a factor, is one that the database knows."""
    aicon = AIcon("Ada")
    factor = aicon.add_factor_continuous("x", 0.5)
    factor.parameters["upper_bound"] = np.float64(1)
    aicon.factors["y"] = Factor("y", "categorical", "a", {"categories": ("a", np.str_("b"))})
    db.aicons.save(aicon)

    for name, value in [("x", 1.5), ("y", "c")]:
        with pytest.raises(InvalidValue):
            db.aicons.update_factor(aicon.id, name, value)
    assert 2 == db.aicons.update_factor(aicon.id, "y", "b")


def test_long_lists_of_categories_are_kept(db):
    """A thousand categories with their probabilities come back, and hold."""
    names = [f"product {number}" for number in range(1000)]
    aicon = AIcon("Ada")
    aicon.add_factor_categorical("next", names[3], categories=names)
    db.aicons.save(aicon)

    assert 2 == db.aicons.update_factor(aicon.id, "next", names[-1])
    assert names == db.aicons.load(aicon.id).factors["next"].parameters["categories"]
    with pytest.raises(InvalidValue):
        db.aicons.update_factor(aicon.id, "next", "product 1000")


def test_a_bound_may_be_met():
    """Bounds hold inclusively, and huge whole numbers are compared exactly."""
    aicon = AIcon("Ada")
    aicon.add_factor_continuous("low", 0, lower_bound=0, upper_bound=1)
    aicon.add_factor_continuous("high", 1, lower_bound=0, upper_bound=1)
    aicon.add_factor_discrete("huge", 2**70 + 1, min_value=2**70 + 1, max_value=2**70 + 1)

    assert {"low", "high", "huge"} == set(aicon.factors)
