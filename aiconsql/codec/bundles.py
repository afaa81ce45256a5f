"""What `.npy` cannot hold is a bundle: a magic of its own, a JSON header, then one `.npy` for each piece.

    8 bytes  MAGIC (its 7th byte is the version)
    4 bytes  length of the header, little endian
    header   {"kind": "masked", "sizes": [...], ...}, padded with spaces so that the pieces begin aligned
    pieces   each padded with zeros to a multiple of 16 bytes

Kinds: masked (data, mask if "mask", fill value if "fill"), recarray (data), fields (elements as void; "dtype" has
their fields, which lie out of order or overlap).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from aiconsql.codec.paths import UNREADABLE
from aiconsql.codec.segments import ALIGNMENT, Segment
from aiconsql.errors import Corrupt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

_NAME = b"\x93AICON"
MAGIC = _NAME + b"\x01\x00"


def pack(fields: Mapping[str, Any], pieces: Sequence[Segment]) -> Segment:
    """One segment that holds the fields and the pieces."""
    text = json.dumps({**fields, "sizes": [piece.size for piece in pieces]}, separators=(",", ":")).encode()
    text += b" " * (-(len(MAGIC) + 4 + len(text)) % ALIGNMENT)
    head = MAGIC + len(text).to_bytes(4, "little") + text
    return Segment((head, *(buffer for piece in pieces for buffer in piece.padded())))


def is_bundle(data: memoryview) -> bool:
    """Whether the bytes begin as a bundle of any version."""
    return bytes(data[: len(_NAME)]) == _NAME


def unpack(data: memoryview) -> tuple[dict[str, Any], list[memoryview]]:
    """The fields and the pieces of a bundle. Raises Corrupt."""
    if bytes(data[: len(MAGIC)]) != MAGIC:
        raise Corrupt("array: a bundle of an unknown version", hint="upgrade aiconsql")
    start = len(MAGIC) + 4 + int.from_bytes(data[len(MAGIC) : len(MAGIC) + 4], "little")
    try:
        fields = json.loads(bytes(data[len(MAGIC) + 4 : start]))
        return fields, _pieces(data, start, fields.pop("sizes"))
    except UNREADABLE as error:
        raise Corrupt("array: the header of its bundle cannot be read") from error


def _pieces(data: memoryview, start: int, sizes: list[int]) -> list[memoryview]:
    pieces = []
    for size in sizes:
        pieces.append(data[start : start + size])
        start += size + -size % ALIGNMENT
    if start != len(data) or any(size <= 0 for size in sizes):
        raise Corrupt(f"array: its bundle has {len(data)} bytes instead of {start}")
    return pieces


def dtype_to_json(dtype: np.dtype[Any]) -> Any:
    """A dtype with the offset of each field, as JSON."""
    if dtype.subdtype is not None:
        return {"base": dtype_to_json(dtype.subdtype[0]), "shape": list(dtype.subdtype[1])}
    if dtype.names is None or dtype.fields is None:
        return dtype.str
    by_name = cast("Mapping[str, Any]", dtype.fields)
    fields = [by_name[name] for name in dtype.names]
    return {
        "names": list(dtype.names),
        "formats": [dtype_to_json(field[0]) for field in fields],
        "offsets": [field[1] for field in fields],
        "titles": [str(field[2]) if len(field) > 2 else None for field in fields],
        "itemsize": dtype.itemsize,
    }


def dtype_from_json(tree: Any) -> np.dtype[Any]:
    """The dtype that `dtype_to_json` described."""
    import numpy as np

    if isinstance(tree, str):
        dtype = np.dtype(tree)
    elif "base" in tree:
        dtype = np.dtype((dtype_from_json(tree["base"]), tuple(tree["shape"])))
    else:
        fields: Any = {**tree, "formats": [dtype_from_json(field) for field in tree["formats"]]}
        if not any(tree["titles"]):
            del fields["titles"]
        dtype = np.dtype(fields)
    if dtype.hasobject:
        raise Corrupt("array: a dtype with Python objects is never read")
    return dtype
