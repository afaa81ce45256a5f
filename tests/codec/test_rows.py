"""Documents and arrays of a row, with their parts in one content column."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from aiconsql.codec.frozen import INLINE_LIMIT, Frozen, freeze, parts_count, thaw
from aiconsql.codec.parts import pack_parts
from aiconsql.codec.rows import (
    FrozenRow,
    addresses,
    addresses_by_document,
    digest,
    freeze_array,
    freeze_row,
    thaw_array,
    thaw_row,
)
from aiconsql.errors import Corrupt, InvalidValue
from tests.codec.values import arrays, assert_same, assert_same_array, documents

relaxed = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], max_examples=50)
WEIGHTS = np.random.default_rng(1).standard_normal(100_000)


def raw(frozen: Frozen) -> list[bytes]:
    """The bytes of its parts."""
    return [part.raw() for part in frozen.parts]


def thawed(row: FrozenRow, **options: Any) -> dict[str, Any]:
    """Store and load."""
    return thaw_row(row.json, row.content, pack_parts(row.parts), **options)


@relaxed
@given(documents, st.sampled_from([0, 100, INLINE_LIMIT]))
def test_any_document(value, inline_limit):
    """B110: a random document comes back the same from its text and parts, wherever its text is kept."""
    frozen = freeze(value, inline_limit=inline_limit)
    back = thaw(frozen.json, raw(frozen))

    assert_same(value, back)
    assert len(frozen.parts) == parts_count(frozen.json)
    assert frozen.json == freeze(back, inline_limit=inline_limit).json
    assert raw(frozen) == raw(freeze(back, inline_limit=inline_limit))


def test_plain_document_is_its_own_text():
    """A small document of plain values is stored as it is."""
    assert Frozen('{"mood":"calm","tries":[1,2.5]}', ()) == freeze({"mood": "calm", "tries": [1, 2.5]})


def test_document_with_arrays():
    """The text of a document with arrays stays readable, with the number of parts of each array in front."""
    frozen = freeze({"weights": WEIGHTS, "bias": np.zeros(3), "step": 7})

    assert '{"$parts":[4,1],"$value":{"weights":{"$array":0},"bias":{"$array":[0,104]},"step":7}}' == frozen.json
    assert 5 == parts_count(frozen.json)


def test_long_text_moves_into_parts():
    """A text above 8 KiB is parts, behind those of the arrays; an append leaves all but the last ones as they are."""
    turns = [f"turn {number}: {'x' * 90}" for number in range(1000)]
    before, after = (freeze({"weights": WEIGHTS, "turns": some}) for some in (turns[:-1], turns))

    assert before.json.startswith('{"$parts":[4],"$text":')
    assert raw(before)[:9] == raw(after)[:9]
    assert_same({"weights": WEIGHTS, "turns": turns}, thaw(after.json, raw(after)))


def test_limit_counts_bytes():
    """The limit counts bytes of UTF-8, not characters."""
    assert () == freeze("x" * 8190).parts
    assert freeze("é" * 8190).parts


def test_values_that_look_like_the_wrapper():
    """A user's dict with the keys of the wrapper is a value like any other."""
    for value in ({"$parts": [1], "$value": 2}, {"$parts": [], "$text": 0}, '{"$parts":[1]}'):
        frozen = freeze(value)

        assert 0 == parts_count(frozen.json)
        assert_same(value, thaw(frozen.json, []))


@relaxed
@given(st.dictionaries(st.sampled_from(["state", "config", "brain", "metadata"]), documents | st.just(WEIGHTS)))
def test_any_row(values):
    """B110: the documents of a row share a content column and come back the same, each from its own parts."""
    row = freeze_row(values)
    needed = addresses_by_document(row.json, row.content)

    assert_same(values, thawed(row))
    assert addresses(row.content) == [address for each in needed.values() for address in each]
    assert set(addresses(row.content)) == row.parts.keys()
    assert (row.content is None) == (not row.parts)


def test_one_document_without_the_others():
    """B113: one document is read without any part of the others."""
    row = freeze_row({"state": {"mood": "calm"}, "brain": {"weights": WEIGHTS}, "config": "x" * 10_000})
    wanted = addresses_by_document(row.json, row.content)["config"]
    fetched = pack_parts({address: row.parts[address] for address in wanted})

    assert_same({"config": "x" * 10_000}, thaw_row({"config": row.json["config"]}, b"".join(wanted), fetched))


def test_equal_bytes_are_one_part():
    """The same array in two documents is stored once."""
    row = freeze_row({"brain": {"weights": WEIGHTS}, "backup": [WEIGHTS.copy()]})

    assert 8 == len(addresses(row.content))
    assert 4 == len(row.parts)


def test_brain_of_small_arrays():
    """A brain of 1,000 small arrays is a few parts."""
    row = freeze_row({"brain": [np.full(8, number) for number in range(1000)]})

    assert len(row.parts) < 15


def test_writeable_on_request():
    """B114: arrays of a row are read-only unless asked otherwise."""
    row = freeze_row({"brain": {"weights": WEIGHTS}})

    assert not thawed(row)["brain"]["weights"].flags.writeable
    assert thawed(row, writeable=True)["brain"]["weights"].flags.writeable


def test_path_begins_with_the_document():
    """B110: the path of a refused value begins with the document's name."""
    with pytest.raises(InvalidValue, match=r"^\$\.brain\.utility\.callback: a function cannot be stored$"):
        freeze_row({"state": {}, "brain": {"utility": {"callback": print}}})


@given(arrays())
def test_column_of_one_array(array):
    """B114: an array in a column of its own comes back bit by bit."""
    content, parts = freeze_array(array)

    assert_same_array(array, thaw_array(content, pack_parts(parts)))
    assert 1 == len(parts)


def test_large_array_in_a_column():
    """An array above 256 KiB is several parts; the content column lists them in order."""
    content, parts = freeze_array(WEIGHTS)
    back = thaw_array(content, pack_parts(parts), writeable=True)

    assert list(parts) == addresses(content)
    assert 4 == len(parts)
    assert back.flags.writeable
    assert_same_array(WEIGHTS, back)


@pytest.mark.parametrize("value", [[1.0, 2.0], "text", None])
def test_no_array(value):
    """B110: what is no array is refused in an array's column, with its path."""
    with pytest.raises(InvalidValue, match=r"^\$\.mood\.samples: a .* cannot be stored as an array$") as caught:
        freeze_array(value, where="$.mood.samples")

    assert "store numpy.asarray(value)" == caught.value.hint


@relaxed
@given(documents, documents)
def test_digest(value, other):
    """Equal states have equal digests, also after they were loaded; other states have others."""
    row, second = freeze_row({"state": value, "config": other}), freeze_row({"state": other, "config": value})

    assert row.digest() == freeze_row(thawed(row)).digest()
    assert (row.digest() == second.digest()) == ((row.json, row.content) == (second.json, second.content))


def test_digest_keeps_columns_apart():
    """Two rows do not have one digest because their columns run together; no content is not empty content."""
    rows = [("ab", "c", None), ("a", "bc", None), ("abc", None), ("abc", b""), ("abc",), ("a2:bc", None)]

    assert len(rows) == len({digest(*row) for row in rows})


ROW = freeze_row({"brain": {"weights": WEIGHTS}, "state": {"small": np.arange(3)}})
CONTENT = ROW.content or b""
FETCHED = pack_parts(ROW.parts)


def test_missing_part():
    """A part that was not found is Corrupt; the message names it."""
    gone = addresses(CONTENT)[2]
    rest = {address: stored for address, stored in FETCHED.items() if address != gone}

    with pytest.raises(Corrupt, match=f"part {gone[:6].hex()}: it is missing"):
        thaw_row(ROW.json, CONTENT, rest)


@pytest.mark.parametrize(
    ("json", "content"),
    [
        (ROW.json, None),
        (ROW.json, CONTENT[:-32]),
        (ROW.json, CONTENT[:-1]),
        (ROW.json, CONTENT + CONTENT[:32]),
        ({"brain": "{}"}, CONTENT),
        ({"brain": '{"$parts":[1'}, CONTENT[:32]),
        ({"brain": '{"$parts":[1,],"$value":{}}'}, CONTENT[:32]),
        ({"brain": '{"$parts":[1],"$value":'}, CONTENT[:32]),
        ({"brain": '{"$parts":[1],"$text":1}'}, CONTENT[:64]),
        ({"brain": '{"$parts":[1],"$value":{"$array":1}}'}, CONTENT[:32]),
        ({"brain": '{"$parts":[1],"$value":{"$array":0}}'}, CONTENT[32:64]),
        ({"brain": '{"$parts":[5],"$value":{}}', "state": "{}"}, CONTENT[:64]),
    ],
)
def test_columns_that_do_not_fit(json, content):
    """Texts and a content column that do not belong together are Corrupt."""
    with pytest.raises(Corrupt):
        thaw_row(json, content, FETCHED)


@pytest.mark.parametrize("content", [b"", b"x", bytes(32)])
def test_array_column_that_does_not_fit(content):
    """A content column that lists no array is Corrupt."""
    with pytest.raises(Corrupt):
        thaw_array(content, FETCHED)
