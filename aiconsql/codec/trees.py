from __future__ import annotations

import itertools
import math
from collections import deque
from typing import TYPE_CHECKING, Any, ClassVar

from aiconsql.codec import tags
from aiconsql.codec.arrays import decode_array, encode_array
from aiconsql.codec.paths import EACH, refused
from aiconsql.codec.segments import Segment
from aiconsql.codec.walker import Walker, same, text_problem
from aiconsql.errors import Corrupt

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

INLINE_BYTES = 1024  # longer bytes are segments; in the text they would take a third more
POOLED_BYTES = 2048  # shorter segments share the pool, so that 1,000 small arrays are few parts
BIG_BITS = 2048  # sys.set_int_max_str_digits may allow as few as 640 digits, which are 2,126 bits


class TreeWriter(Walker):
    """Writes a value as a tree of plain JSON values with tags, and gathers the segments that the tags count."""

    def __init__(self, where: str) -> None:
        super().__init__(where)
        self._own: list[Segment] = []
        self._pool: list[Segment] = []
        self._pooled = 0
        self._kept: dict[int, tuple[Any, dict[str, Any]]] = {}
        self._inline = False

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The segments so far, the pool last."""
        if not self._pool:
            return tuple(self._own)
        return (*self._own, Segment(itertools.chain.from_iterable(self._pool)))

    def _reference(self, segment: Segment) -> int | list[int]:
        if segment.size >= POOLED_BYTES:
            self._own.append(segment)
            return len(self._own) - 1
        offset, padded = self._pooled, segment.padded()
        self._pool.append(padded)
        self._pooled += padded.size
        return [offset, segment.size]

    def _array(self, array: Any, *, original: Any = None) -> Any:
        source = array if original is None else original
        if id(source) not in self._kept:
            tag = {"$array": self._reference(encode_array(array, where=self.place))}
            self._kept[id(source)] = (source, tag)  # the source stays alive, so that its id stays its own
        return self._kept[id(source)][1]

    def _scalar(self, scalar: Any) -> Any:
        tag = tags.write_scalar(scalar)
        if tag is None:
            import numpy as np

            return {"$scalar": self._reference(encode_array(np.asarray(scalar), where=self.place))}
        return tag

    def _integer(self, value: int) -> Any:
        return value if value.bit_length() <= BIG_BITS else tags.write_big(value)

    def _complex(self, value: complex) -> Any:
        return {"$complex": [self._number(value.real), self._number(value.imag)]}

    def _binary(self, value: bytes | bytearray) -> Any:
        tag = "$bytes" if isinstance(value, bytes) else "$bytearray"
        if len(value) > INLINE_BYTES and not self._inline:
            return {tag: self._reference(Segment((bytes(value),)))}
        return {tag: tags.to_base64(value)}

    def _row(self, value: tuple[Any, ...]) -> Any:
        return {"$tuple": self._items(value)}

    def _queue(self, value: deque[Any]) -> Any:
        self._enter(value)
        tree = {"$deque": [self._items(list(value)), value.maxlen]}
        self._leave(value)
        return tree

    def _unordered(self, value: set[Any] | frozenset[Any]) -> Any:
        import msgspec

        self._enter(value)
        self._steps.append(EACH)
        texts = {msgspec.json.encode(tree): tree for tree in map(self._hashable, value)}
        self._steps.pop()
        if len(texts) != len(value):
            self.refuse("two elements that would be stored as one cannot be stored", "use a list")
        self._leave(value)
        return {"$set" if isinstance(value, set) else "$frozenset": [texts[text] for text in sorted(texts)]}

    def _mapping(self, value: dict[Any, Any]) -> Any:
        self._enter(value)
        plain = self._plain_keys(value)
        if all(type(key) is str and not key.startswith("$") for key in dict.keys(plain)):
            tree = self._fields(plain)
        else:
            tree = {"$dict": self._pairs(plain)}
        self._leave(value)
        return tree

    def _pairs(self, value: dict[Any, Any]) -> list[list[Any]]:
        import msgspec

        pairs = []
        self._steps.append("")
        for key, item in dict.items(value):
            self._steps[-1] = key
            pairs.append([self._hashable(key), self.walk(item)])
        self._steps.pop()
        if len({msgspec.json.encode(key) for key, _ in pairs}) != len(pairs):
            self.refuse("two keys that would be stored as one cannot be stored", "make the keys plain strings")
        return pairs

    def _hashable(self, value: Any) -> Any:
        """A key or an element of a set; it may refer to no segment, whose number would depend on the set's order."""
        outer, self._inline = self._inline, True
        tree = self.walk(value)
        self._inline = outer
        if not tags.is_hashable(tree):
            self.refuse(f"a {type(value).__qualname__} as a key or in a set cannot be stored", "use its id or a list")
        return tree

    def _atom(self, value: Any) -> Any:
        try:
            return tags.write_atom(value)
        except ValueError as error:
            raise refused(self.place, f"{error} cannot be stored", "store a datetime in UTC") from error

    writers: ClassVar[dict[type, Callable[[Any, Any], Any]]] = {
        **Walker.writers,
        int: _integer,
        dict: _mapping,
        tuple: _row,
        set: _unordered,
        frozenset: _unordered,
        deque: _queue,
        bytes: _binary,
        bytearray: _binary,
        complex: _complex,
        **dict.fromkeys(tags.WRITERS, _atom),
    }
    bases = (
        *Walker.bases,
        (set, same),
        (frozenset, same),
        (deque, same),
        (bytes, bytes),
        (bytearray, same),
        (complex, complex),
        *((kind, same) for kind in tags.WRITERS),
    )
    fine: ClassVar[dict[type, Callable[[Sequence[Any]], bool]]] = {
        float: lambda numbers: all(map(math.isfinite, numbers)),
        int: lambda numbers: max(map(int.bit_length, numbers)) <= BIG_BITS,
        str: lambda texts: text_problem("".join(texts)) is None,
    }


class TreeReader:
    """Makes values of tagged objects again, innermost first: the hook of the JSON reader."""

    def __init__(self, segments: Sequence[bytes | memoryview], *, writeable: bool) -> None:
        self._segments = [memoryview(segment) for segment in segments]
        self._writeable = writeable
        self._arrays: dict[tuple[int, ...], Any] = {}
        self._in_segments: dict[str, Callable[[Any], Any]] = {
            "$array": self._array,
            "$scalar": lambda reference: self._array(reference)[()],
            "$bytes": lambda reference: bytes(self._piece(reference)),
            "$bytearray": lambda reference: bytearray(self._piece(reference)),
        }

    def hook(self, node: dict[str, Any]) -> Any:
        """The value of one JSON object."""
        if len(node) != 1:
            return node
        ((tag, body),) = node.items()
        if not tag.startswith("$"):
            return node
        if tag in self._in_segments and tags.is_reference(body):
            return self._in_segments[tag](body)
        if tag not in tags.READERS:
            raise Corrupt(f"document: the tag {tag} is unknown", hint="upgrade aiconsql")
        return tags.READERS[tag](body)

    def _array(self, reference: Any) -> Any:
        key = tuple(reference) if isinstance(reference, list) else (reference,)
        if key not in self._arrays:
            self._arrays[key] = decode_array(self._piece(reference), writeable=self._writeable)
        return self._arrays[key]

    def _piece(self, reference: int | list[int]) -> memoryview:
        start, size = (0, None) if isinstance(reference, int) else reference
        number = reference if isinstance(reference, int) else len(self._segments) - 1
        if not 0 <= number < len(self._segments):
            raise Corrupt(f"document: segment {number} of {len(self._segments)} is missing")
        segment = self._segments[number]
        piece = segment if size is None else segment[start : start + size]
        if size is not None and (start < 0 or len(piece) != size):
            raise Corrupt(f"document: {size} bytes at {start} of a pool of {len(segment)}")
        return piece
