"""The `.npy` format, https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html, versions 1.0 to 3.0.

numpy pads the header to a multiple of 64 bytes; this writer pads it to 16, which numpy.load reads as well
and which saves 48 bytes for each small array.
"""

from __future__ import annotations

import ast
import functools
import math
from typing import TYPE_CHECKING, Any, Literal

from aiconsql.codec.paths import UNREADABLE
from aiconsql.codec.segments import ALIGNMENT
from aiconsql.errors import Corrupt

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAGIC = b"\x93NUMPY"
MAX_HEADER = 1 << 20  # bytes; a structured dtype of about 30,000 fields
_CACHED_HEADER = 512  # bytes; longer headers are rare, and the cache stays under 1 MiB
_KEYS = {"descr", "fortran_order", "shape"}


def header(descr: Any, shape: tuple[int, ...], *, fortran: bool) -> bytes:
    """The bytes in front of an array's elements. Raises ValueError for one that no reader would accept."""
    return _plain_header(descr, shape, fortran) if isinstance(descr, str) else _header(descr, shape, fortran)


def _header(descr: Any, shape: tuple[int, ...], fortran: bool) -> bytes:  # noqa: FBT001 - lru_cache is faster by position
    text = repr({"descr": descr, "fortran_order": fortran, "shape": shape})
    version, encoded = (1, text.encode("latin1")) if text.isascii() else (3, text.encode("utf-8"))
    if version == 1 and len(encoded) > 0xFF00:
        version = 2
    if len(encoded) > MAX_HEADER - ALIGNMENT:
        message = f"its dtype takes {len(encoded)} bytes, more than {MAX_HEADER}"
        raise ValueError(message)
    width = 2 if version == 1 else 4  # bytes of the length field
    padding = -(len(MAGIC) + 2 + width + len(encoded) + 1) % ALIGNMENT
    length = (len(encoded) + padding + 1).to_bytes(width, "little")
    return MAGIC + bytes((version, 0)) + length + encoded + b" " * padding + b"\n"


_plain_header = functools.lru_cache(maxsize=1024)(_header)


def read(data: memoryview, *, writeable: bool) -> NDArray[Any]:
    """The array in `data`, a view of it unless `writeable`. Raises Corrupt."""
    start, fields = _split(data)
    try:
        dtype = _dtype(fields["descr"])
        return _array(data[start:], dtype, fields["shape"], "F" if fields["fortran_order"] else "C", writeable)
    except UNREADABLE as error:
        raise Corrupt("array: its header describes nothing that numpy can hold") from error


def _array(
    body: memoryview,
    dtype: np.dtype[Any],
    shape: tuple[int, ...],
    order: Literal["C", "F"],
    writeable: bool,  # noqa: FBT001
) -> NDArray[Any]:
    import numpy as np

    size = math.prod(shape) * dtype.itemsize
    if len(body) != size:
        raise Corrupt(f"array of dtype {dtype} and shape {shape}: {len(body)} bytes instead of {size}")
    # Raw bytes are copied, not the array: numpy would leave the padding of structured elements undefined.
    array: NDArray[Any] = np.ndarray(shape, dtype, bytearray(body) if writeable else body, order=order)
    if not array.flags.aligned:
        # Compiled extensions take unaligned arrays for aligned ones.
        array = np.ndarray(shape, dtype, bytearray(body), order=order)
    array.flags.writeable = writeable
    return array


def _dtype(descr: Any) -> np.dtype[Any]:
    import numpy as np

    dtype: np.dtype[Any] = np.lib.format.descr_to_dtype(descr)
    if dtype.hasobject:
        raise Corrupt("array: a dtype with Python objects is never read")
    return dtype


def _split(data: memoryview) -> tuple[int, dict[str, Any]]:
    """Where the elements begin, and the header's fields."""
    if bytes(data[:6]) != MAGIC or len(data) < 12:
        raise Corrupt("array: not in .npy format")
    version = data[6]
    if not 1 <= version <= 3 or data[7] != 0:
        raise Corrupt(f"array: .npy version {version}.{data[7]} is unknown", hint="upgrade aiconsql")
    begin = 10 if version == 1 else 12
    end = begin + int.from_bytes(data[8:begin], "little")
    if end > min(len(data), begin + MAX_HEADER):
        raise Corrupt(f"array: a header of {end - begin} bytes in {len(data)} bytes")
    read_fields = _cached_fields if end - begin <= _CACHED_HEADER else _fields
    return end, read_fields(bytes(data[begin:end]), "utf-8" if version == 3 else "latin1")


def _fields(text: bytes, encoding: str) -> dict[str, Any]:
    try:
        fields = ast.literal_eval(text.decode(encoding))
    except UNREADABLE as error:
        raise Corrupt("array: its header cannot be read") from error
    shape = fields.get("shape") if isinstance(fields, dict) else None
    if not isinstance(shape, tuple) or fields.keys() != _KEYS or not all(map(_is_length, shape)):
        raise Corrupt("array: its header has other fields than descr, fortran_order and shape")
    return dict(fields)


def _is_length(length: Any) -> bool:
    return type(length) is int and length >= 0


_cached_fields = functools.lru_cache(maxsize=1024)(_fields)
