"""Documents: any mixture of arrays and plain values."""

from __future__ import annotations

import collections
import datetime as dt
import enum
import zoneinfo
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pydantic
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from aiconsql.codec.documents import decode_document, encode_document
from aiconsql.errors import Corrupt
from tests.codec.values import Mood, Plan, assert_same, documents, numbered


def round_trip(value: Any, *, writeable: bool = False) -> Any:
    """Encode and decode."""
    document = encode_document(value)
    return decode_document(document.json, [segment.bytes() for segment in document.segments], writeable=writeable)


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(documents)
def test_any_document(value):
    """B110: a random mixture of everything that can be stored comes back the same, bit by bit, with its types."""
    back = round_trip(value)

    assert_same(value, back)
    assert encode_document(value).json == encode_document(back).json


ODD = [
    2**63,
    -(2**200),
    10**5000,  # more digits than Python prints
    -0.0,
    1e16,
    5e-324,
    1.7976931348623157e308,
    [1.0, 1e16, -0.0],
    [1, 2**3000],
    '\x7f\x1f\u2028/"\\😀',
    {"": {}},
    (),
    {1: "a", 2.5: "b", None: "c", False: "d", (1, ("x", b"y")): "e", frozenset({1}): "f"},
    {"$tuple": [1]},
    {"$": 1, "a": 2},
    {"$parts": [1], "$value": 2},
    np.float64("nan"),
    np.float16(1.5),
    np.longdouble("0.1"),
    np.array("NaT", "M8[25s]")[()],
    np.timedelta64(5, "ms"),
    np.complex64(complex(np.nan, -0.0)),
    np.bool_(True),
    np.str_("a\0"),
    np.str_("\ud800"),
    np.bytes_(b"a\0"),
    np.str_(""),
    np.array([(1, 2.5)], [("a", "i4"), ("b", ">f8")])[0],
    dt.datetime(2026, 1, 1, 12, tzinfo=dt.timezone(dt.timedelta(hours=5, minutes=30, seconds=7))),
    dt.datetime(2026, 10, 25, 2, 30, fold=1),  # noqa: DTZ001 - one without a zone is a value too
    bytes(10_000),
    bytearray(10_000),
    collections.deque([1, 2], maxlen=2),
]


@pytest.mark.parametrize("value", ODD, ids=numbered(ODD))
def test_odd_value(value):
    """B110: a value at the edge of what JSON or numpy holds comes back the same."""
    assert_same(value, round_trip(value))
    assert_same([{"a": value}], round_trip([{"a": value}]))


def test_plain_values_are_plain_json():
    """A document of plain values is compact, readable JSON with nothing added and its order kept."""
    value = {"name": "Zoë", "b": [1, 2.5, None, True], "a": {"deep": "日本"}}

    assert '{"name":"Zoë","b":[1,2.5,null,true],"a":{"deep":"日本"}}' == encode_document(value).json


def test_tags_are_readable():
    """What JSON lacks is an object with one key that begins with a dollar sign."""
    value = {
        "when": dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        "pair": (1, 2),
        "set": {2, 1},
        "ids": {1: b"x"},
    }

    assert (
        '{"when":{"$datetime":"2026-01-01T00:00:00+00:00"},"pair":{"$tuple":[1,2]},"set":{"$set":[1,2]},'
        '"ids":{"$dict":[[1,{"$bytes":"eA=="}]]}}'
    ) == encode_document(value).json


def test_equal_sets_are_equal_bytes():
    """A set is written in the order of its elements' text, not of their hashes."""
    full, grown = set(range(0, 1000, 7)), set(range(1000))
    grown.difference_update(set(range(1000)) - full)

    assert list(full) != list(grown)
    assert encode_document({"a": full}).json == encode_document({"a": grown}).json


def test_array_of_many_places():
    """An array that occurs twice is stored once and comes back as one."""
    weights = np.arange(1000.0)
    document = encode_document({"encoder": weights, "decoder": [weights]})
    back = round_trip({"encoder": weights, "decoder": [weights]})

    assert 1 == len(document.segments)
    assert back["encoder"] is back["decoder"][0]


def test_small_arrays_share_a_segment():
    """A thousand small arrays are one segment, a large one has its own."""
    document = encode_document({"large": np.zeros(1000), "small": [np.full(3, number) for number in range(1000)]})

    assert 2 == len(document.segments)
    assert '{"large":{"$array":0},"small":[{"$array":[0,104]},{"$array":[112,104]}' in document.json


def test_writeable_on_request():
    """B114: arrays within a document are read-only unless asked otherwise."""
    value = {"small": np.arange(3), "large": np.arange(1000)}

    assert [False, False] == [array.flags.writeable for array in round_trip(value).values()]
    assert [True, True] == [array.flags.writeable for array in round_trip(value, writeable=True).values()]


class Level(enum.IntEnum):
    HIGH = 3


class Point(NamedTuple):
    x: int
    y: int


class Text(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "something else"


class Model(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(arbitrary_types_allowed=True)
    goal: str
    plan: Any


class Struct(msgspec.Struct):
    goal: str


class Attrs:
    """Made by hand as attrs makes it: attrs itself need not be installed."""

    __attrs_attrs__ = (type("Attribute", (), {"name": "goal"}),)

    def __init__(self, goal: Any) -> None:
        self.goal = goal


PLAIN = [
    (Mood.CALM, "calm"),
    (Level.HIGH, 3),
    ({Mood.CALM: 1, Text("b"): 2}, {"calm": 1, "b": 2}),
    ({Level.HIGH: 1}, {3: 1}),
    (Point(1, 2), (1, 2)),
    (Text("text"), "text"),
    (type("Number", (float,), {})(1.5), 1.5),
    (collections.OrderedDict(a=1), {"a": 1}),
    (collections.defaultdict(list, a=[1]), {"a": [1]}),
    (type("Items", (list,), {})([1]), [1]),
    (Plan("win", (1,)), {"goal": "win", "weights": (1,)}),
    (Model(goal="win", plan={1, 2}), {"goal": "win", "plan": {1, 2}}),
    (Struct("win"), {"goal": "win"}),
    (Attrs(Mood.CALM), {"goal": "calm"}),
    (
        dt.datetime(2026, 7, 1, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")),
        dt.datetime(2026, 7, 1, tzinfo=dt.timezone(dt.timedelta(hours=2))),
    ),
]


@pytest.mark.parametrize(("value", "stored"), PLAIN, ids=numbered(PLAIN))
def test_becomes_plain(value, stored):
    """An enum, an object with fields and a subclass come back as the plain value that they hold."""
    assert_same(stored, round_trip(value))


DOCUMENT = encode_document({"a": (1, {2, 3}), "b": {1: np.arange(3), 2: np.arange(900)}, "c": np.float32(1), "d": b"x"})
SEGMENTS = [segment.bytes() for segment in DOCUMENT.segments]


@given(st.data())
def test_flipped_text(draw):
    """A text with flipped characters is Corrupt or another value, and never another error."""
    position = draw.draw(st.integers(0, len(DOCUMENT.json) - 1))
    other = draw.draw(st.characters(codec="utf-8") | st.sampled_from('{}[]",:$0123456789'))
    try:
        decode_document(DOCUMENT.json[:position] + other + DOCUMENT.json[position + 1 :], SEGMENTS)
    except Corrupt:
        return


@pytest.mark.parametrize(
    "json",
    [
        '{"$array":7}',
        '{"$array":-1}',
        '{"$array":[0,999999]}',
        '{"$array":[-16,16]}',
        '{"$array":"x"}',
        '{"$dict":[[[],1]]}',
        '{"$dict":1}',
        '{"$set":[{}]}',
        '{"$bytes":"%%"}',
        '{"$datetime":"tomorrow"}',
        '{"$timedelta":[1e300]}',
        '{"$decimal":"x"}',
        '{"$scalar":["|O","AAAAAAAAAAA="]}',
        '{"$scalar":["<f8","AA=="]}',
        '{"$tuple":[NaN]}',
        '{"$tuple":[',
        '"$"' + "[" * 100_000,
    ],
)
def test_forged_text(json):
    """A tag that does not fit is Corrupt."""
    with pytest.raises(Corrupt):
        decode_document(json, SEGMENTS)


def test_from_the_future():
    """B116: an unknown tag says that aiconsql is too old."""
    with pytest.raises(Corrupt, match=r"tag \$quaternion is unknown") as caught:
        decode_document('{"a":{"$quaternion":[1,2,3,4]}}', ())

    assert "upgrade aiconsql" == caught.value.hint
