"""Parts: pieces of segments under the sha-256 of their bytes, so that equal bytes are stored and sent once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiconsql.errors import Corrupt, InvalidValue

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from zstandard import ZstdCompressor

    from aiconsql.codec.segments import Segment

KIB = 1 << 10
HASH_BYTES = 32
ARRAY_CUT = 256 * KIB
# An append rewrites the last piece of each size: measured at 5.1 times the appended bytes in the SQLite file, where
# pieces of 256 KiB alone took 110 times.
GROWING_CUTS = (256 * KIB, 16 * KIB, 2 * KIB)

RAW, ZSTD = 0, 1  # codecs, as the database stores them
_LEVEL = 3
_PROBED = 8 * KIB  # larger parts are tried on a probe first
_PROBE = 4 * KIB
_WORTH = 0.9  # compressed to raw: above it the space saved does not pay for the time
RESTORE = "restore the part from a backup"
_MAX_RAW = 64 << 20  # bytes; no part is longer, whatever a forged frame says


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of at most 256 KiB; `hash` is the sha-256 of its raw bytes (32 bytes)."""

    hash: bytes
    segment: Segment

    @property
    def size(self) -> int:
        """Raw bytes."""
        return self.segment.size

    def raw(self) -> bytes:
        """The bytes in one piece, copied when this is called.

        Raises: InvalidValue when the array that they belong to was changed since the part was cut.
        """
        raw = self.segment.bytes()
        # Under a wrong address they could never be read again.
        if not self.segment.frozen and hashlib.sha256(raw).digest() != self.hash:
            message = f"part {short(self.hash)}: the array was changed while it was being saved"
            raise InvalidValue(message, where="$", hint="save a copy, or wait with the change until it is saved")
        return raw


def short(address: bytes) -> str:
    """The first digits of a hash, for messages."""
    return address[:6].hex()


def cut(segment: Segment, *, growing: bool) -> list[Part]:
    """The parts of a segment in order, none for an empty one.

    What grows at its end is cut greedily in 256, 16 and 2 KiB, so that an append rewrites little; arrays, which
    change in place, every 256 KiB.
    """
    pieces = _pieces(segment, GROWING_CUTS if growing else (ARRAY_CUT,))
    return [Part(piece.sha256(), piece) for piece in pieces]


def _pieces(segment: Segment, sizes: tuple[int, ...]) -> Iterator[Segment]:
    start = 0
    for size in sizes:
        while segment.size - start >= size:
            yield segment.slice(start, start + size)
            start += size
    if start < segment.size:
        yield segment.slice(start, segment.size)


def pack_part(part: Part) -> tuple[int, bytes]:
    """The codec and the bytes to store: zstd where it saves more than 10 %. Raises: InvalidValue, as `Part.raw`."""
    return _packed(part, _compressor())


def pack_parts(parts: Mapping[bytes, Part]) -> dict[bytes, tuple[int, bytes]]:
    """The same for many, in the order of their addresses: in any other order two savers could deadlock."""
    compressor = _compressor()
    return {address: _packed(parts[address], compressor) for address in sorted(parts)}


def _compressor() -> ZstdCompressor:
    import zstandard

    # Making one takes 8 us, half of what a part of 4 KiB takes; sharing it between threads is not safe.
    return zstandard.ZstdCompressor(level=_LEVEL)


def _packed(part: Part, compressor: ZstdCompressor) -> tuple[int, bytes]:
    raw = part.raw()
    if len(raw) > _PROBED:
        middle = len(raw) // 2
        if not _is_worth_it(compressor.compress(raw[middle : middle + _PROBE]), _PROBE):
            return RAW, raw
    compressed = compressor.compress(raw)
    return (ZSTD, compressed) if _is_worth_it(compressed, len(raw)) else (RAW, raw)


def _is_worth_it(compressed: bytes, size: int) -> bool:
    return len(compressed) < _WORTH * size


def unpack_part(address: bytes, codec: int, data: bytes | memoryview) -> bytes | memoryview:
    """The raw bytes of a part, proved by their sha-256; `data` itself when it is not compressed.

    Raises: Corrupt.
    """
    if codec == ZSTD:
        raw = _decompressed(address, data)
    elif codec == RAW:
        raw = data
    else:
        raise Corrupt(f"part {short(address)}: codec {codec} is unknown", hint="upgrade aiconsql")
    if hashlib.sha256(raw).digest() != address:
        raise Corrupt(f"part {short(address)}: its {len(raw)} bytes are not what was written", hint=RESTORE)
    return raw


def _decompressed(address: bytes, data: bytes | memoryview) -> bytes | memoryview:
    import zstandard

    try:
        size = zstandard.frame_content_size(data)
        if not 0 <= size <= _MAX_RAW:
            raise Corrupt(f"part {short(address)}: it claims to have {size} bytes", hint=RESTORE)
        return zstandard.ZstdDecompressor().decompress(data)
    except zstandard.ZstdError as error:
        raise Corrupt(f"part {short(address)}: it cannot be decompressed: {error}", hint=RESTORE) from error
