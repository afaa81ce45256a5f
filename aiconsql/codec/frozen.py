"""A value as a stored JSON text and the parts that it needs.

    plain and small     the document's own text
    with segments       {"$parts":[n0,n1],"$value":<the document's text>}; n0 parts make segment 0, n1 segment 1
    with a long text    {"$parts":[n0,n1],"$text":n}; n more parts make the document's text

The parts of the text are the last ones, so that a longer text shifts no other part. Values cannot be taken for this:
a dict of the user with keys that begin with a dollar sign is written as a tag.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from aiconsql.codec.documents import decode_document, encode_document
from aiconsql.codec.parts import cut
from aiconsql.codec.segments import Segment
from aiconsql.errors import Corrupt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiconsql.codec.parts import Part

INLINE_LIMIT = 8192  # bytes of UTF-8; a longer text would be written whole at each change

_START = '{"$parts"'
_WRAPPER = re.compile(r'\{"\$parts":\s*\[(?P<counts>[\d,\s]*)\],\s*"\$(?:text":\s*(?P<text>\d+)\}|value":)')


@dataclass(frozen=True, slots=True)
class Frozen:
    """The JSON text to store, and the parts in the order in which `thaw` takes them."""

    json: str
    parts: tuple[Part, ...]


def freeze(value: Any, *, where: str = "$", inline_limit: int = INLINE_LIMIT) -> Frozen:
    """The stored form of a value; its arrays must not change until the parts have been packed.

    `inline_limit`: bytes of text from which on it moves into parts. Raises: InvalidValue, as `encode_document` does.
    """
    document = encode_document(value, where=where)
    text = document.json.encode()
    # What no one can change is not of an array: bytes, which like a text may grow.
    segments = [cut(segment, growing=segment.frozen) for segment in document.segments]
    counts = ",".join(str(len(parts)) for parts in segments)
    parts = [part for parts in segments for part in parts]
    if len(text) > inline_limit:
        tail = cut(Segment((text,)), growing=True)
        return Frozen(f'{{"$parts":[{counts}],"$text":{len(tail)}}}', (*parts, *tail))
    if segments:
        return Frozen(f'{{"$parts":[{counts}],"$value":{document.json}}}', tuple(parts))
    return Frozen(document.json, ())


def thaw(json: str, parts: Sequence[bytes | memoryview], *, writeable: bool = False) -> Any:
    """The value that was frozen; `parts` are raw, in order. Its arrays are read-only views unless `writeable`.

    Raises: Corrupt.
    """
    layout = _layout(json)
    if len(parts) != layout.total:
        raise Corrupt(f"document: {len(parts)} parts instead of {layout.total}")
    segments, start = [], 0
    for count in (*layout.counts, layout.text):
        segments.append(_joined(parts[start : start + count]))
        start += count
    text = _decoded(segments[-1]) if layout.text else layout.value
    return decode_document(text, segments[:-1], writeable=writeable)


def parts_count(json: str) -> int:
    """How many parts a stored text needs; of an ordinary one only the first characters are read. Raises: Corrupt."""
    return _layout(json).total if json.startswith(_START) else 0


class _Layout(NamedTuple):
    counts: tuple[int, ...]  # parts of each segment
    text: int  # parts of the document's text; 0: it is `value`
    value: str

    @property
    def total(self) -> int:
        return sum(self.counts) + self.text


def _layout(json: str) -> _Layout:
    if not json.startswith(_START):
        return _Layout((), 0, json)
    match = _WRAPPER.match(json)
    if match is None or not json.endswith("}"):
        raise Corrupt("document: its list of parts cannot be read", hint="upgrade aiconsql")
    try:
        counts = tuple(map(int, match["counts"].split(","))) if match["counts"] else ()
        return _Layout(counts, int(match["text"] or 0), json[match.end() : -1])
    except ValueError as error:
        raise Corrupt("document: its list of parts cannot be read") from error


def _joined(parts: Sequence[bytes | memoryview]) -> bytes | memoryview:
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _decoded(text: bytes | memoryview) -> str:
    try:
        return str(text, "utf-8")
    except UnicodeDecodeError as error:
        raise Corrupt("document: its text is not UTF-8") from error
