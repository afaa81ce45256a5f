"""Segments and their parts."""

from __future__ import annotations

import hashlib
import os

import numpy as np
import pytest
import zstandard
from hypothesis import given, strategies as st

from aiconsql.codec.arrays import encode_array
from aiconsql.codec.parts import KIB, RAW, ZSTD, Part, cut, pack_part, pack_parts, short, unpack_part
from aiconsql.codec.segments import Segment
from aiconsql.errors import Corrupt, InvalidValue

buffers = st.lists(st.binary(max_size=50), max_size=5)


def sizes(parts: list[Part]) -> list[int]:
    """The size of each."""
    return [part.size for part in parts]


def sha256(data: bytes) -> bytes:
    """The address of a part."""
    return hashlib.sha256(data).digest()


@given(buffers, st.integers(-5, 300), st.integers(-5, 300))
def test_segment(pieces, start, stop):
    """A segment behaves like its buffers joined together."""
    joined, segment = b"".join(pieces), Segment(pieces)
    start, stop = max(start, 0), max(stop, 0)

    assert joined == segment.bytes()
    assert len(joined) == segment.size
    assert sha256(joined) == segment.sha256()
    assert joined[start:stop] == segment.slice(start, stop).bytes()
    assert joined == segment.padded().bytes()[: len(joined)]
    assert 0 == segment.padded().size % 16
    assert segment.frozen
    assert segment.slice(start, stop).frozen


@given(st.binary(max_size=100), st.integers(0, 700_000), st.booleans())
def test_parts_are_the_segment(head, size, growing):
    """The parts of a segment, joined, are its bytes; each has the address of its own bytes and at most 256 KiB."""
    data = head + bytes(size)
    parts = cut(Segment((head, data[len(head) :])), growing=growing)

    assert data == b"".join(part.raw() for part in parts)
    assert [sha256(part.raw()) for part in parts] == [part.hash for part in parts]
    assert all(0 < part.size <= 256 * KIB for part in parts)


def test_cuts():
    """Arrays are cut every 256 KiB; what grows greedily in 256, 16 and 2 KiB; nothing has no parts."""
    segment = Segment((bytes(300 * KIB + 5000),))

    assert [256 * KIB, 44 * KIB + 5000] == sizes(cut(segment, growing=False))
    assert [256 * KIB, *[16 * KIB] * 3, 904] == sizes(cut(segment, growing=True))
    assert [2 * KIB, 2 * KIB, 100] == sizes(cut(Segment((bytes(4196),)), growing=True))
    assert [] == cut(Segment(()), growing=True)


def test_append_rewrites_little():
    """Four hundred appends of 1 KiB to a growing text write less than ten times their bytes."""
    text, known, written = b"", set(), 0
    for _ in range(400):
        text += os.urandom(KIB)
        for part in cut(Segment((text + b"]}",)), growing=True):
            written += 0 if part.hash in known else part.size
            known.add(part.hash)

    assert written < 10 * len(text)


@given(st.binary(max_size=3000) | st.integers(0, 100_000).map(bytes) | st.integers(0, 60_000).map(os.urandom))
def test_pack(data):
    """A packed part is unpacked to the same bytes, and is compressed only where that saves more than 10 %."""
    part = Part(sha256(data), Segment((data,)))
    codec, packed = pack_part(part)

    assert data == unpack_part(part.hash, codec, packed)
    assert data == unpack_part(part.hash, codec, memoryview(packed))
    assert packed == data if codec == RAW else len(packed) < 0.9 * len(data)


def test_what_compresses():
    """Text and counters are compressed, noise is not, whatever their size."""
    noise, counters = os.urandom(200_000), np.arange(50_000).tobytes()
    parts = {
        sha256(data): Part(sha256(data), Segment((data,))) for data in (noise, noise[:5000], counters, counters[:5000])
    }
    packed = pack_parts(parts)

    assert sorted(parts) == list(packed)
    assert [RAW, RAW] == [packed[sha256(data)][0] for data in (noise, noise[:5000])]
    assert [ZSTD, ZSTD] == [packed[sha256(data)][0] for data in (counters, counters[:5000])]


def test_array_that_changes_while_it_is_saved():
    """B110: bytes that no longer fit their address are an error, and are never given out."""
    samples = np.zeros(1000)
    (part,) = cut(encode_array(samples), growing=False)
    samples[0] = 1.0

    with pytest.raises(InvalidValue, match="was changed while it was being saved"):
        pack_part(part)


TEXT = b"the quick brown fox " * 1000
CODED = pack_part(Part(sha256(TEXT), Segment((TEXT,))))


@given(st.sampled_from([CODED, (RAW, TEXT)]), st.data())
def test_flipped(coded, draw):
    """A stored part with a flipped byte, or cut short, is Corrupt, and the message names the part."""
    codec, data = coded
    position = draw.draw(st.integers(0, len(data) - 1))
    flipped = bytearray(data)
    flipped[position] ^= draw.draw(st.integers(1, 255))

    for bad in (bytes(flipped), data[:position]):
        try:
            raw = unpack_part(sha256(TEXT), codec, bad)
        except Corrupt as error:
            assert f"part {short(sha256(TEXT))}: " in str(error)  # noqa: PT017 - bits that zstd ignores raise nothing
        else:
            assert raw == TEXT


def bomb() -> bytes:
    """A small frame that takes more memory than any part."""
    return zstandard.ZstdCompressor().compress(bytes((64 << 20) + 1))


def unsized() -> bytes:
    """A frame that does not say how long its contents are."""
    return zstandard.ZstdCompressor(write_content_size=False).compress(TEXT)


@pytest.mark.parametrize("frame", [bomb, unsized])
def test_frame_of_unknown_size(frame):
    """A frame that claims more than 64 MiB, or does not say, is Corrupt before it is decompressed."""
    with pytest.raises(Corrupt, match="claims to have"):
        unpack_part(sha256(TEXT), ZSTD, frame())


def test_from_the_future():
    """B116: a part in an unknown codec says that aiconsql is too old."""
    with pytest.raises(Corrupt, match="codec 9 is unknown") as caught:
        unpack_part(sha256(TEXT), 9, TEXT)

    assert "upgrade aiconsql" == caught.value.hint
