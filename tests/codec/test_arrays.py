"""Arrays as bytes."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, strategies as st

from aiconsql.codec import npy
from aiconsql.codec.arrays import decode_array, encode_array
from aiconsql.errors import Corrupt, InvalidValue
from tests.codec.values import arrays, assert_same_array

masked: Any = np.ma.array  # its types know no masks of fields
OUT_OF_ORDER = np.dtype({"names": ["b", "a"], "formats": ["<i4", ("<i2", (2,))], "offsets": [8, 0], "itemsize": 16})
OVERLAPPING = np.dtype({"names": ["all", "low"], "formats": ["<i4", "<i2"], "offsets": [0, 0], "itemsize": 8})
NAN_PAYLOADS = np.array([0x7FF8000000000001, 0xFFF800000000BEEF, 0x7FF0000000000001], "u8").view("f8")

ODD = {
    "0-d": np.array(2.5),
    "zero-size": np.zeros((0, 3), "f4"),
    "zero-size elements": np.zeros(3, [("a", "S0"), ("b", "f4")])["a"],
    "no fields": np.zeros(2, []),
    "big endian": np.arange(5, dtype=">i4"),
    "Fortran order": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "every other one": np.arange(20)[::2],
    "transposed in part": np.arange(24).reshape(2, 3, 4).transpose(1, 0, 2),
    "broadcast": np.broadcast_to(np.arange(3), (4, 3)),
    "NaN with payloads": NAN_PAYLOADS,
    "longdouble": np.array([np.nextafter(np.longdouble(1), 2)]),
    "complex": np.array([complex(0.0, -0.0), complex(np.nan, np.inf)], "c8"),
    "times": np.array(["2026-02-28T12:00", "NaT"], "M8[25s]"),
    "durations": np.array([1, "NaT"], "m8"),
    "strings with surrogates": np.array(["\ud800", "日本\0x"]),
    "bytes": np.array([b"a", b"\0\xff"]),
    "void": np.frombuffer(b"abcdef", "V3"),
    "bool": np.array([True, False]),
    "aligned fields": np.zeros(2, np.dtype([("a", "i1"), ("b", "f8")], align=True)),
    "titled fields": np.ones(2, [(("title", "a"), "f4")]),
    "fields beyond latin1": np.ones(2, [("日本", ">i2", (2, 2)), ("nested", [("x", "U3")])]),
    "a field named by a surrogate": np.ones(2, [("\ud800", "f4")]),
    "fields out of order": np.arange(32, dtype="u1").view(OUT_OF_ORDER),
    "fields that overlap": np.arange(32, dtype="u1").view(OVERLAPPING),
    "many fields": np.ones(1, [(f"field_{number:04}", "u1") for number in range(4000)]),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_array(name):
    """B114: an array of any dtype, order and shape comes back bit by bit."""
    assert_same_array(ODD[name], decode_array(encode_array(ODD[name]).bytes()))


@given(arrays())
def test_any_array(array):
    """B114: a random array comes back bit by bit; what is read is written as the same bytes again."""
    data = encode_array(array).bytes()
    back = decode_array(data)

    assert_same_array(array, back)
    assert data == encode_array(back).bytes()
    assert data == encode_array(decode_array(data, writeable=True)).bytes()


@given(arrays())
def test_numpy_reads_it(array):
    """An array outside of bundles is a file for numpy.load."""
    data = encode_array(array).bytes()

    if data.startswith(npy.MAGIC):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Stored array in format 3.0", UserWarning)
            assert_same_array(array, np.load(io.BytesIO(data), max_header_size=1 << 20))


@given(arrays())
def test_reads_what_numpy_writes(array):
    """A file of numpy.save, whose header is longer, is an array too."""
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Stored array in format 3.0", UserWarning)
        np.save(file, array)

    assert_same_array(array, decode_array(file.getvalue()))


def test_header_is_short():
    """1,280 samples take 80 bytes more than their elements, where numpy's own file takes 128."""
    assert 1280 * 8 + 80 == encode_array(np.zeros(1280)).size


def test_nothing_is_copied():
    """A segment is a view of the array, and a decoded array a view of its bytes."""
    array = np.arange(1000.0)
    _, elements = encode_array(array)
    data = bytearray(encode_array(array).bytes())
    back = decode_array(data)
    data[-1] ^= 0x80

    assert np.shares_memory(array, np.frombuffer(elements))
    assert -999.0 == back[-1]


@pytest.mark.parametrize("name", [*ODD, "masked"])
def test_read_only_unless_asked(name):
    """B114: an array is read-only, or writeable on request, with its order kept."""
    array = masked([1, 2], mask=[0, 1]) if name == "masked" else ODD[name]
    data = encode_array(array).bytes()

    assert not decode_array(data).flags.writeable
    assert not decode_array(bytearray(data)).flags.writeable
    assert decode_array(data, writeable=True).flags.writeable
    assert_same_array(np.asarray(array), np.asarray(decode_array(data, writeable=True)))


def test_unaligned_bytes():
    """Bytes at an odd address become an aligned array, as compiled extensions expect."""
    data = b"x" + encode_array(np.arange(4.0)).bytes()
    back = decode_array(memoryview(data)[1:])

    assert back.flags.aligned
    assert [0.0, 1.0, 2.0, 3.0] == back.tolist()


MASKED: dict[str, Any] = {
    "a mask": masked([1.0, np.nan, 3.0], mask=[False, True, False]),
    "no mask": masked([1, 2]),
    "a mask without a hit": masked([1, 2], mask=[False, False]),
    "a fill value": masked([1, 2], mask=[True, False], fill_value=7),
    "a hard mask": masked([1, 2], mask=[True, False], hard_mask=True),
    "masked fields": masked(
        [(1, 2.0), (3, 4.0)], mask=[(0, 1), (1, 0)], dtype=[("a", "i4"), ("b", "f8")], fill_value=(9, 9.5)
    ),
    "masked fields out of order": masked(np.zeros(2, OUT_OF_ORDER), mask=[(1, (0, 1)), (0, (1, 0))]),
    "Fortran order": masked(np.asfortranarray(np.ones((2, 3))), mask=np.asfortranarray(np.eye(2, 3, dtype=bool))),
    "durations": masked(np.array([1, 2], "m8[s]"), mask=[1, 0]),
    "0-d": masked(1.5, mask=True),
    "a record array": masked(np.rec.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]), mask=[(1, 0)]),
}


@pytest.mark.parametrize("name", MASKED)
def test_masked_array(name):
    """B114: a masked array keeps the data under the mask, the mask, the fill value and whether the mask is hard."""
    array = MASKED[name]
    back = decode_array(encode_array(array).bytes())

    assert type(back) is np.ma.MaskedArray
    assert_same_array(np.ma.getdata(array), np.ma.getdata(back))
    assert (array.mask is np.ma.nomask) == (back.mask is np.ma.nomask)
    assert_same_array(np.ma.getmaskarray(array), np.ma.getmaskarray(back))
    assert array.hardmask == back.hardmask
    assert repr(array._fill_value) == repr(back._fill_value)


def test_printing_changes_nothing():
    """A masked array is the same bytes after it was printed, although numpy then notes a default fill value."""
    array = masked([1.0, 2.0], mask=[True, False])
    before = encode_array(array).bytes()
    str(array.fill_value)

    assert array._fill_value is not None
    assert before == encode_array(array).bytes()


def test_record_array():
    """A record array comes back as one, with fields as attributes."""
    back = decode_array(encode_array(np.rec.array([(1, 2.5)], dtype=[("a", "i4"), ("b", "f8")])).bytes())

    assert type(back) is np.recarray
    assert [2.5] == back.b.tolist()


def test_memory_map(tmp_path):
    """A memory-mapped array is stored as the array that it shows."""
    mapped = np.memmap(tmp_path / "samples", "f8", "w+", shape=(3,))
    mapped[:] = [1, 2, 3]

    assert_same_array(np.array([1.0, 2.0, 3.0]), decode_array(encode_array(mapped).bytes()))


def test_field_padding_is_stable():
    """What lies between fields is the same in each save, also of an array that must be copied."""
    dtype = np.dtype([("a", "i1"), ("b", "f8")], align=True)
    dirty = np.frombuffer(np.random.default_rng(1).bytes(10 * dtype.itemsize), dtype)[::2]

    assert encode_array(dirty).bytes() == encode_array(dirty[::-1][::-1]).bytes()


REFUSED = {
    "objects": (np.array([None]), "an array of Python objects (dtype object) cannot be stored", "astype"),
    "objects in a field": (np.zeros(1, [("a", "f4"), ("b", "O")]), "Python objects", "tolist"),
    "StringDType": (np.array(["a"], np.dtypes.StringDType()), "StringDType", "astype('U')"),
    "masked objects": (masked([None]), "Python objects", "astype"),
    "a matrix": (np.ones((1, 1)).view(np.matrix), "a numpy.matrix cannot be stored", "numpy.asarray(value)"),
    "the masked constant": (np.ma.masked, "MaskedConstant cannot be stored", "numpy.asarray(value)"),
    "too many fields": (np.zeros(1, [(f"field_{number:020}", "u1") for number in range(30_000)]), "its dtype", None),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    """B114: what cannot be stored bit by bit is an error that names its place and what to do."""
    array, message, hint = REFUSED[name]
    with pytest.raises(InvalidValue) as caught:
        encode_array(array, where="$.samples")

    assert str(caught.value).startswith("$.samples: ")
    assert message in str(caught.value)
    assert "$.samples" == caught.value.where
    assert caught.value.hint is None if hint is None else hint in caught.value.hint


WRITTEN = [
    encode_array(array).bytes()
    for array in (ODD["big endian"], ODD["fields beyond latin1"], ODD["fields out of order"], *MASKED.values())
]


@given(st.sampled_from(WRITTEN), st.data())
def test_truncated(data, draw):
    """Bytes that end too early, or too late, are Corrupt."""
    length = draw.draw(st.integers(0, len(data) - 1))

    with pytest.raises(Corrupt):
        decode_array(data[:length])
    with pytest.raises(Corrupt):
        decode_array(data + bytes(16))


@given(st.sampled_from(WRITTEN), st.data())
def test_flipped(data, draw):
    """Flipped bytes are Corrupt or another array, and never another error; a part's sha-256 tells all of them."""
    flipped = bytearray(data)
    for position in draw.draw(st.lists(st.integers(0, min(len(data), 300) - 1), min_size=1, max_size=3)):
        flipped[position] ^= draw.draw(st.integers(1, 255))

    try:
        back = decode_array(flipped)
    except Corrupt:
        return
    assert isinstance(back, np.ndarray)


@given(st.text("(){}[]'\"<>|,:OTUSVMa8b4fi0123456789-jLu\\ ", max_size=80))
@example("[" * 150)
@example("(" * 90_000)
@example("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }")
@example("{'descr': '|a4', 'fortran_order': False, 'shape': (0,), }")
@example("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }")
@example("{'descr': '<f8', 'fortran_order': False, 'shape': (True,), }")
@example("{'descr': '<f8', 'fortran_order': False, 'shape': (0, 99999999999999999999), }")
@example("{'descr': [('a', '<f8', (-1,))], 'fortran_order': False, 'shape': (0,), }")
@example("{'descr': [[]], 'fortran_order': False, 'shape': (0,), }")
@example("{[]: 1}")
def test_forged_header(text):
    """A header that says anything else is Corrupt; a pickle is never read."""
    data = npy.MAGIC + b"\x02\x00" + len(text).to_bytes(4, "little") + text.encode()

    with pytest.raises(Corrupt):
        decode_array(data)


@pytest.mark.parametrize("descr", ["'|O'", "[('a', '<f4'), ('b', '|O')]", "'T'"])
def test_objects_are_never_read(descr):
    """B88: a dtype of Python objects is Corrupt before a byte of its elements is looked at."""
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': (0,), }}"
    data = npy.MAGIC + b"\x02\x00" + len(text).to_bytes(4, "little") + text.encode()

    with pytest.raises(Corrupt, match="a dtype with Python objects is never read"):
        decode_array(data)


def test_from_the_future():
    """B116: an array in a later format says that aiconsql is too old."""
    for data in (b"\x93NUMPY\x04\x00" + bytes(20), b"\x93AICON\x02\x00" + bytes(24)):
        with pytest.raises(Corrupt) as caught:
            decode_array(data)

        assert "upgrade aiconsql" == caught.value.hint
