"""JSON for jsonb columns."""

from __future__ import annotations

import datetime as dt
import decimal
import json
import uuid

import numpy as np
import pytest
from hypothesis import given, strategies as st

from aiconsql.codec.jsonb import encode_jsonb
from aiconsql.codec.texts import decode_json
from aiconsql.errors import Corrupt, InvalidValue
from tests.codec.values import assert_same, integers, numbered, texts

kept_floats = st.floats(-(2**53), 2**53, exclude_min=True, exclude_max=True).map(lambda number: number or 0.0)
plain = st.recursive(
    st.none() | st.booleans() | integers | kept_floats | texts,
    lambda children: st.lists(children, max_size=5) | st.dictionaries(texts, children, max_size=5),
)


@given(plain)
def test_any_plain_value(value):
    """B110: a plain value comes back the same, with its types."""
    assert_same(value, decode_json(encode_jsonb(value)))


PLAIN = [
    (np.float64(0.5), 0.5),
    (np.float32(0.1), 0.10000000149011612),
    (np.int8(-3), -3),
    (np.uint64(2**64 - 1), 2**64 - 1),
    (np.bool_(True), True),
    (np.str_("x"), "x"),
    (np.array([1.5, 2.5]), [1.5, 2.5]),
    (np.array(3), 3),
    (np.array(["a"]), ["a"]),
    ((1, (2,)), [1, [2]]),
    ({"$array": 1}, {"$array": 1}),
    (2**53, 2**53),
    (10**4000, 10**4000),
    (9007199254740991.0, 9007199254740991.0),
    (5e-324, 5e-324),
]


@pytest.mark.parametrize(("value", "stored"), PLAIN, ids=numbered(PLAIN))
def test_becomes_plain(value, stored):
    """B110: scalars of numpy, short arrays and tuples are plain values in jsonb; a dollar sign means nothing."""
    assert_same({"a": stored}, decode_json(encode_jsonb({"a": value})))


REFUSED = [
    (-0.0, "drop its sign", "0.0"),
    (np.float32(-0.0), "drop its sign", "0.0"),
    (2.0**53, "make it an integer", "int"),
    (-1e300, "make it an integer", "int"),
    (float("nan"), "nan cannot be stored in json", "None"),
    (float("inf"), "inf cannot be stored in json", "None"),
    (np.float64("nan"), "nan cannot be stored in json", "None"),
    ("\0", "a NUL character", "remove"),
    ("\ud800", "a lone surrogate", "remove"),
    (np.zeros((2, 2)), "an array of shape (2, 2)", "tolist"),
    (np.array([1j]), "an array of dtype complex128", "plain"),
    (np.ma.array([1], mask=[True]), "an array of dtype int64", "plain"),
    (np.longdouble(1), "numpy.longdouble", "plain"),
    (np.datetime64("2026-01-01"), "numpy.datetime64", "plain"),
    (dt.datetime(2026, 1, 1), "a date or time", "isoformat()"),  # noqa: DTZ001
    (dt.timedelta(1), "a timedelta", "total_seconds()"),
    ({1, 2}, "a set", "sorted"),
    (b"x", "a bytes object", "hex()"),
    (uuid.UUID(int=1), "a UUID", "str"),
    (decimal.Decimal(1), "Decimal", "str"),
    ({1: "x"}, "a dict whose keys are no strings", "str(key)"),
    (10**5000, "an integer of more than 4,200 digits", "hex"),
    (print, "a function", "name"),
]


@pytest.mark.parametrize(("value", "problem", "hint"), REFUSED, ids=numbered(REFUSED))
def test_refused(value, problem, hint):
    """B110: what jsonb would change or cannot hold is an error that names its path."""
    with pytest.raises(InvalidValue) as caught:
        encode_jsonb({"odd key": [1, value]}, where="$.belief")

    assert str(caught.value).startswith("$.belief['odd key'][1]: ")
    assert "$.belief['odd key'][1]" == caught.value.where
    assert problem in str(caught.value)
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize("index", [0, 1, 7])
def test_refused_in_a_list(index):
    """B110: a float within a list of floats is not overlooked."""
    numbers = [1.5] * 8
    numbers[index] = -0.0

    with pytest.raises(InvalidValue, match=rf"^\$\[{index}\]: -0.0"):
        encode_jsonb(numbers)


@given(plain | st.floats(allow_nan=False, allow_infinity=False))
def test_reads_any_json(value):
    """The reader is exact for what any writer of JSON wrote: integers of any size, every float, -0.0."""
    assert_same(value, decode_json(json.dumps(value)))
    assert_same(value, decode_json(json.dumps(value, indent=2).encode()))


@pytest.mark.parametrize("text", ["", "{", "NaN", "[1e400]", r'"\ud800"', b'"\xff"', "[" * 100_000, "1" * 10_000])
def test_reads_nothing_else(text):
    """What is no JSON, and what Python cannot hold, is Corrupt."""
    with pytest.raises(Corrupt):
        decode_json(text)
