"""Any mixture of arrays and plain values as one JSON text and the segments of its arrays.

Plain values are plain JSON. Everything else is an object with one key that begins with a dollar sign:
`{"$tuple": [1, 2]}`, `{"$datetime": "2026-01-01T00:00:00+01:00"}`; a dict with keys that are no strings, or begin so,
is `{"$dict": [[key, value], ...]}`. `{"$array": 3}` is segment 3, `{"$array": [160, 96]}` 96 bytes at 160 of the pool,
which is the last segment and holds everything small.
"""

from __future__ import annotations

from dataclasses import dataclass
from json import loads
from typing import TYPE_CHECKING, Any

from aiconsql.codec.paths import UNREADABLE
from aiconsql.codec.texts import decode_json
from aiconsql.codec.trees import TreeReader, TreeWriter
from aiconsql.errors import Corrupt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiconsql.codec.segments import Segment


@dataclass(frozen=True, slots=True)
class Document:
    """A value as JSON text and the segments that its tags count."""

    json: str
    segments: tuple[Segment, ...]


def encode_document(value: Any, *, where: str = "$") -> Document:
    """The stored form of a value; `where` is the path that errors begin with.

    What comes back is equal and of the same type, but for these: an enum's member comes back as its value; a
    dataclass, pydantic, attrs or msgspec object as a dict; a named tuple as a tuple; other subclasses of the built-in
    types as their base; a tensor as a numpy array; a zone of a datetime as its offset. Elements of a set are written
    in the order of their text, so that equal sets are equal bytes. An array that occurs twice is stored once.

    Raises: InvalidValue for what cannot be stored, with its path; cycles and more than 200 levels included.
    """
    writer = TreeWriter(where)
    json = writer.root(value)
    return Document(json, writer.segments)


def decode_document(json: str, segments: Sequence[bytes | memoryview], *, writeable: bool = False) -> Any:
    """The value that was encoded. Its arrays are read-only views of the segments, or copies if `writeable`.

    Raises: Corrupt.
    """
    if '"$' not in json:
        return decode_json(json)
    reader = TreeReader(segments, writeable=writeable)
    try:
        return loads(json, object_hook=reader.hook, parse_constant=_no_constant)
    except UNREADABLE as error:
        raise Corrupt(f"document: what it holds cannot be read: {error}") from error


def _no_constant(name: str) -> None:
    message = f"{name} is no JSON"
    raise ValueError(message)
