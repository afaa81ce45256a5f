"""What cannot be stored in a document, and how the error names it."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import enum
import threading
import zoneinfo
from typing import Any

import numpy as np
import pytest

from aiconsql.codec.documents import decode_document, encode_document
from aiconsql.errors import InvalidValue
from tests.codec.values import Mood, Plan


@dataclasses.dataclass(frozen=True)
class Key:
    name: str


def nested(levels: int) -> list[Any]:
    """Empty lists within each other."""
    value: list[Any] = []
    for _ in range(levels - 1):
        value = [value]
    return value


def cycle() -> dict[str, Any]:
    """A dict that holds itself."""
    value: dict[str, Any] = {}
    value["me"] = [1, value]
    return value


def cyclic_plan() -> Plan:
    """An object that holds itself."""
    plan = Plan("win", None)
    plan.weights = {"plan": plan}
    return plan


REFUSED: dict[str, tuple[Any, str, str]] = {
    "a function": ({"brain": {"utility": {"callback": nested}}}, "$.brain.utility.callback", "a function"),
    "a lambda": ([lambda: 1], "$[0]", "a function"),
    "a method": ({"a": [].append}, "$.a", "a function"),
    "a class": ({"a": Plan}, "$.a", "a class"),
    "a module": ((enum,), "$[0]", "a module"),
    "a generator": ({"a": (letter for letter in "ab")}, "$.a", "a generator"),
    "a lock": ({"a": [threading.Lock()]}, "$.a[0]", "a lock"),
    "a lock of asyncio": ({"a": asyncio.Lock()}, "$.a", "a lock"),
    "an object": ({"a": object()}, "$.a", "an instance of object"),
    "an object of a class": (Plan("x", threading.Event()), "$.weights", "a lock (threading.Event)"),
    "a memoryview": ({"a": memoryview(b"x")}, "$.a", "a memoryview"),
    "nan": ({"a": [1.0, float("nan")]}, "$.a[1]", "nan cannot be stored in json"),
    "infinity": ({"a": {"b": float("-inf")}}, "$.a.b", "-inf cannot be stored in json"),
    "nan of an enum": ([Mood.NAN], "$[0]", "nan"),
    "a complex infinity": ([complex(0, float("inf"))], "$[0]", "inf"),
    "NUL": ({"a": "x\0"}, "$.a", "a string with a NUL character"),
    "NUL among texts": ({"a": ["x", "y\0"]}, "$.a[1]", "a string with a NUL character"),
    "NUL in a key": ({"a": {"x\0": 1}}, r"$.a['x\x00']", "a NUL character"),
    "NUL in a tuple as key": ({("x\0",): 1}, r"$[('x\x00',)][0]", "a NUL character"),
    "a lone surrogate": ({"a": "\ud800"}, "$.a", "a string with a lone surrogate"),
    "a pair of surrogates": ({"a": ["\ud83d", "\ude00"]}, "$.a[0]", "a string with a lone surrogate"),
    "a lone surrogate in a key": ({"a": {"\udfff": 1}}, r"$.a['\udfff']", "a lone surrogate"),
    "an odd key": ({"odd key": {3: [print]}}, "$['odd key'][3][0]", "a function"),
    "in a set": ({"a": {("x", print)}}, "$.a[*][1]", "a function"),
    "an object as key": ({"a": {Key("x"): 1}}, "$.a[Key(name='x')]", "a Key as a key"),
    "an object in a set": ({"a": {Key("x")}}, "$.a[*]", "a Key as a key or in a set"),
    "two keys in one": ({"a": {Mood.CALM: 1, "calm": 2}}, "$.a", "two keys that would be stored as one"),
    "two tuples in one": ({(Mood.CALM,): 1, ("calm",): 2}, "$", "two keys that would be stored as one"),
    "two elements in one": ({Mood.CALM, "calm"}, "$", "two elements that would be stored as one"),
    "a time in a zone": ([dt.time(1, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin"))], "$[0]", "Europe/Berlin"),
    "an odd zone": ([dt.datetime(2026, 1, 1, tzinfo=dt.timezone(dt.timedelta(microseconds=1)))], "$[0]", "1e-06 s"),
    "a cycle": ({"a": cycle()}, "$.a.me[1]", "contains itself"),
    "a cycle of objects": (cyclic_plan(), "$.weights.plan", "contains itself"),
    "too deep": (nested(201), "$" + "[0]" * 200, "nested deeper than 200 levels"),
    "far too deep": (nested(100_000), "$" + "[0]" * 200, "nested deeper than 200 levels"),
    "an array of objects": ({"a": [np.array([None])]}, "$.a[0]", "an array of Python objects"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    """B110: what cannot be stored is an error that begins with its path and says what to do."""
    value, where, problem = REFUSED[name]
    with pytest.raises(InvalidValue) as caught:
        encode_document(value)

    assert where == caught.value.where
    assert str(caught.value).startswith(f"{where}: ")
    assert problem in str(caught.value)
    assert caught.value.hint


def test_where_it_begins():
    """B110: the path begins where the caller says."""
    with pytest.raises(InvalidValue, match=r"^\$\.brain\.utility: a function cannot be stored$"):
        encode_document({"utility": len}, where="$.brain")


def test_open_file(tmp_path):
    """B110: an open file is refused, with its path in the document."""
    with (tmp_path / "log").open("w") as file, pytest.raises(InvalidValue, match=r"^\$\.log: an open file cannot"):
        encode_document({"log": file})


def test_deep_but_allowed():
    """B110: 200 levels of lists, and of dicts whose keys take tags, come back."""
    tagged: dict[Any, Any] = {}
    for number in range(199):
        tagged = {number: tagged}

    for value in (nested(200), tagged):
        document = encode_document(value)

        assert value == decode_document(document.json, ())


def test_little_stack_left():
    """B110: a value too deep for the calls that are open already is InvalidValue, not RecursionError."""

    def call(depth: int) -> None:
        if depth:
            call(depth - 1)
        else:
            encode_document(nested(200))

    with pytest.raises(InvalidValue, match="nested too deeply"):
        call(850)  # of the 1,000 that Python allows
