"""What the codec's tests store: strategies for values and arrays, and an equality that nothing escapes."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
from collections import deque
from decimal import Decimal
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
floats = st.floats(allow_nan=False, allow_infinity=False)
integers = st.integers() | st.integers(-(2**70), 2**70)
plain_atoms = st.none() | st.booleans() | integers | floats | texts
zones = st.none() | st.integers(-86_399, 86_399).map(lambda offset_s: dt.timezone(dt.timedelta(seconds=offset_s)))
hashable_atoms = (
    plain_atoms
    | st.binary(max_size=20)
    | st.binary(min_size=1020, max_size=1030)
    | st.complex_numbers(allow_nan=False, allow_infinity=False)
    | st.datetimes(timezones=zones, allow_imaginary=True)
    | st.dates()
    | st.times()
    | st.timedeltas()
    | st.uuids()
    | st.decimals(allow_nan=False)
)
numbers = npst.scalar_dtypes().flatmap(lambda dtype: npst.arrays(dtype, ())).map(lambda array: array[()])
dtypes = (
    npst.scalar_dtypes()
    | npst.byte_string_dtypes()
    | npst.unicode_string_dtypes()
    | npst.nested_dtypes(max_leaves=5, max_itemsize=200)
)
shapes = npst.array_shapes(min_dims=0, min_side=0, max_dims=3, max_side=6)


@st.composite
def arrays(draw: st.DrawFn) -> np.ndarray:
    """An array of any dtype and shape from any bytes, in C order, in Fortran order or in neither."""
    dtype, shape = draw(dtypes), draw(shapes)
    size = int(np.prod(shape)) * dtype.itemsize
    seed = draw(st.integers(0, 2**32 - 1))
    array = np.ndarray(shape, dtype, np.random.default_rng(seed).bytes(size))
    order = draw(st.sampled_from(["C", "F", "reversed"]))
    if order == "F":
        return array.copy(order="F")
    return array[::-1] if order == "reversed" and array.ndim else array


documents = st.recursive(
    hashable_atoms | numbers | arrays() | st.binary(max_size=20).map(bytearray),
    lambda children: (
        st.lists(children, max_size=5)
        | st.lists(children, max_size=5).map(tuple)
        | st.lists(children, max_size=3).map(lambda items: deque(items, 7))
        | st.dictionaries(texts | st.sampled_from(["$array", "$parts", "$value"]), children, max_size=5)
        | st.dictionaries(hashable_atoms, children, max_size=3)
        | st.sets(hashable_atoms, max_size=4)
        | st.frozensets(hashable_atoms, max_size=4)
    ),
    max_leaves=20,
)


class Mood(enum.Enum):
    CALM = "calm"
    NAN = float("nan")


@dataclasses.dataclass
class Plan:
    goal: str
    weights: Any


def numbered(cases: list[Any]) -> list[str]:
    """A name for each case, as "3 float64"; pytest's own would print the value."""
    firsts = [case[0] if isinstance(case, tuple) and case else case for case in cases]
    return [f"{number} {type(first).__name__}" for number, first in enumerate(firsts)]


def assert_same(expected: Any, value: Any) -> None:
    """Equal bit by bit, with the same types and the same order, at every depth."""
    assert type(expected) is type(value)
    if isinstance(expected, np.ndarray):
        assert_same_array(expected, value)
    elif isinstance(expected, np.generic):
        assert (expected.dtype, expected.tobytes()) == (value.dtype, value.tobytes())
    elif isinstance(expected, dict):
        assert len(expected) == len(value)
        for pair, other in zip(expected.items(), value.items(), strict=True):
            assert_same(pair, other)
    elif isinstance(expected, list | tuple | deque):
        assert len(expected) == len(value)
        for item, other in zip(expected, value, strict=True):
            assert_same(item, other)
    elif isinstance(expected, float | complex | Decimal | dt.datetime):
        assert repr(expected) == repr(value)  # tells -0.0 from 0.0, 1.50 from 1.5
    else:
        assert expected == value


def assert_same_array(expected: np.ndarray, value: np.ndarray) -> None:
    """The same dtype, shape, elements bit by bit, and memory order where the array has one."""
    assert expected.dtype == value.dtype
    assert expected.shape == value.shape
    assert field_bytes(expected) == field_bytes(value)
    if expected.flags.forc:
        assert expected.flags.c_contiguous == value.flags.c_contiguous
        assert expected.flags.f_contiguous == value.flags.f_contiguous


def field_bytes(array: np.ndarray) -> list[bytes]:
    """The bytes of each field; what lies between the fields of a structured array is nobody's value."""
    array = np.asarray(array)
    if array.dtype.names is None:
        return [array.tobytes()]
    return [data for name in array.dtype.names for data in field_bytes(array[name])]
