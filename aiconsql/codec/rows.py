"""A row's documents and arrays, with one content column: the packed 32-byte addresses of all their parts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiconsql.codec.arrays import decode_array, encode_array
from aiconsql.codec.frozen import freeze, parts_count, thaw
from aiconsql.codec.parts import HASH_BYTES, RESTORE, cut, short, unpack_part
from aiconsql.codec.paths import place, refused
from aiconsql.codec.tensors import as_array
from aiconsql.errors import Corrupt

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from aiconsql.codec.parts import Part


@dataclass(frozen=True, slots=True)
class FrozenRow:
    """What a row stores: a text for each document, the content column (None without parts), the parts by address."""

    json: dict[str, str]
    content: bytes | None
    parts: dict[bytes, Part]

    def digest(self) -> bytes:
        """Equal for equal states: 32 bytes."""
        return digest(*self.json.values(), self.content)


def freeze_row(documents: Mapping[str, Any], *, where: str = "$") -> FrozenRow:
    """The stored form of a row's documents, whose parts share the content column in the order given.

    Raises: InvalidValue, with a path that begins with `where` and the document's name.
    """
    frozen = {name: freeze(value, where=place(where, (name,))) for name, value in documents.items()}
    parts = [part for document in frozen.values() for part in document.parts]
    json = {name: document.json for name, document in frozen.items()}
    return FrozenRow(json, _content(parts), {part.hash: part for part in parts})


def thaw_row(
    json: Mapping[str, str],
    content: bytes | memoryview | None,
    fetched: Mapping[bytes, tuple[int, bytes | memoryview]],
    *,
    writeable: bool = False,
) -> dict[str, Any]:
    """The documents of a row; `json` has the order of `freeze_row`, `fetched` codec and bytes of each part.

    Raises: Corrupt for a part that is missing or not what was written.
    """
    return {
        name: thaw(json[name], _raw(addresses, fetched), writeable=writeable)
        for name, addresses in addresses_by_document(json, content).items()
    }


def addresses_by_document(json: Mapping[str, str], content: bytes | memoryview | None) -> dict[str, list[bytes]]:
    """Which parts each document needs, without any of them at hand: for a brain that loads when it is touched.

    Raises: Corrupt when the texts and the content column do not belong together.
    """
    rest = iter(addresses(content))
    found = {name: [next(rest, b"") for _ in range(parts_count(text))] for name, text in json.items()}
    if b"" in (address for each in found.values() for address in each) or next(rest, b""):
        raise Corrupt(f"row: the content column lists {len(addresses(content))} parts, its documents need others")
    return found


def addresses(content: bytes | memoryview | None) -> list[bytes]:
    """The addresses in a content column, in order. Raises: Corrupt."""
    packed = bytes(content or b"")
    if len(packed) % HASH_BYTES:
        raise Corrupt(f"row: a content column of {len(packed)} bytes is no list of {HASH_BYTES}-byte addresses")
    return [packed[start : start + HASH_BYTES] for start in range(0, len(packed), HASH_BYTES)]


def freeze_array(array: Any, *, where: str = "$") -> tuple[bytes, dict[bytes, Part]]:
    """The content column and the parts of a column that holds one array (or tensor). Raises: InvalidValue."""
    elements = as_array(array, where=where)
    if elements is None:
        kind = type(array).__qualname__
        raise refused(where, f"a {kind} cannot be stored as an array", "store numpy.asarray(value)")
    parts = cut(encode_array(elements, where=where), growing=False)
    return b"".join(part.hash for part in parts), {part.hash: part for part in parts}


def thaw_array(
    content: bytes | memoryview,
    fetched: Mapping[bytes, tuple[int, bytes | memoryview]],
    *,
    writeable: bool = False,
) -> NDArray[Any]:
    """The array that was frozen: a read-only view unless `writeable`. Raises: Corrupt."""
    raw = _raw(addresses(content), fetched)
    return decode_array(raw[0] if len(raw) == 1 else b"".join(raw), writeable=writeable)


def digest(*columns: str | bytes | None) -> bytes:
    """One sha-256 over the columns of a row, to see whether it changed: equal for equal columns."""
    total = hashlib.sha256()
    for column in columns:
        data = column.encode() if isinstance(column, str) else column or b""
        # The length in front of each, so that no two rows run together to the same bytes.
        total.update(b"%d:" % (-1 if column is None else len(data)))
        total.update(data)
    return total.digest()


def _content(parts: Iterable[Part]) -> bytes | None:
    return b"".join(part.hash for part in parts) or None


def _raw(wanted: Iterable[bytes], fetched: Mapping[bytes, tuple[int, bytes | memoryview]]) -> list[bytes | memoryview]:
    return [_unpacked(address, fetched.get(address)) for address in wanted]


def _unpacked(address: bytes, stored: tuple[int, bytes | memoryview] | None) -> bytes | memoryview:
    if stored is None:
        raise Corrupt(f"part {short(address)}: it is missing", hint=RESTORE)
    return unpack_part(address, *stored)
