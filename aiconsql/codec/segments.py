from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


ALIGNMENT = 16  # bytes; what the widest element (clongdouble's half) needs, so that decoding copies nothing


class Segment:
    """Bytes that lie in several buffers, copied only when `bytes()` is called.

    A buffer may be a view of a live array: an array that is changed after it was encoded changes the segment too.
    """

    __slots__ = ("_buffers", "size")

    def __init__(self, buffers: Iterable[bytes | memoryview]) -> None:
        self._buffers = tuple(buffers)
        self.size = sum(map(len, self._buffers))

    def __iter__(self) -> Iterator[bytes | memoryview]:
        return iter(self._buffers)

    def __repr__(self) -> str:
        return f"Segment(size={self.size})"

    @property
    def frozen(self) -> bool:
        """Whether no one can change the bytes any more, because none of them belongs to a live array."""
        return all(type(buffer.obj if isinstance(buffer, memoryview) else buffer) is bytes for buffer in self._buffers)

    def sha256(self) -> bytes:
        """The address of the bytes: 32 bytes."""
        digest = hashlib.sha256()
        for buffer in self._buffers:
            digest.update(buffer)
        return digest.digest()

    def slice(self, start: int, stop: int) -> Segment:
        """The bytes from `start` up to `stop`, without a copy."""
        if start <= 0 and stop >= self.size:
            return self
        return Segment(self._between(start, stop))

    def _between(self, start: int, stop: int) -> Iterator[bytes | memoryview]:
        offset = 0
        for buffer in self._buffers:
            end = offset + len(buffer)
            if offset < stop and start < end:
                yield memoryview(buffer)[max(start - offset, 0) : stop - offset]
            offset = end

    def padded(self) -> Segment:
        """The segment, followed by zeros up to a multiple of `ALIGNMENT`."""
        missing = -self.size % ALIGNMENT
        return Segment((*self._buffers, bytes(missing))) if missing else self

    # Last, because below it `bytes` means this method in annotations.
    def bytes(self) -> bytes:
        """A copy in one piece; what is in one piece already is not copied."""
        first = self._buffers[0] if len(self._buffers) == 1 else None
        return first if isinstance(first, bytes) else b"".join(self._buffers)
