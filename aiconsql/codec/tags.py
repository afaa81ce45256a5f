"""Values that JSON lacks: each is an object with one key that begins with a dollar sign."""

from __future__ import annotations

import binascii
from collections import deque
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np


def is_hashable(tree: Any) -> bool:
    """Whether what was written can be read as a key of a dict or an element of a set."""
    if not isinstance(tree, dict):
        return not isinstance(tree, list)
    if len(tree) != 1:
        return False
    ((tag, body),) = tree.items()
    if tag in {"$tuple", "$frozenset"}:
        return all(map(is_hashable, body))
    return tag in _ATOMS or (tag == "$scalar" and not is_reference(body))


def is_reference(body: Any) -> bool:
    """Whether a tag's body says where in the segments its bytes are: a segment's number, or start and size."""
    return type(body) is int or (type(body) is list and len(body) == 2 and all(type(part) is int for part in body))


def _write_datetime(moment: datetime) -> dict[str, Any]:
    """The time with its offset; the name of a zone is not kept. Raises ValueError."""
    _require_iso(moment)
    text = datetime.isoformat(moment)
    return {"$datetime": [text, 1] if moment.fold else text}


def _write_time(moment: time) -> dict[str, Any]:
    """The time with its offset. Raises ValueError."""
    _require_iso(moment)
    text = time.isoformat(moment)
    return {"$time": [text, 1] if moment.fold else text}


def _require_iso(moment: datetime | time) -> None:
    """Raise ValueError for an offset that its ISO text would lose."""
    offset = moment.utcoffset()
    if moment.tzinfo is not None and offset is None:
        message = f"a time without a day in the zone {moment.tzinfo}, whose offset depends on the day,"
        raise ValueError(message)
    # Python reads "+00:00:00.000001" as UTC.
    if offset is not None and offset.microseconds:
        message = f"a time with an offset of {offset.total_seconds()} s"
        raise ValueError(message)


def write_big(integer: int) -> dict[str, Any]:
    """An integer of more digits than Python converts from decimal text."""
    return {"$int": hex(integer)}


def to_base64(data: bytes | bytearray) -> str:
    """Bytes as ASCII text."""
    return binascii.b2a_base64(data, newline=False).decode()


def from_base64(text: str) -> bytes:
    """The bytes of `to_base64`. Raises ValueError for any other text."""
    return binascii.a2b_base64(text.encode(), strict_mode=True)


def write_scalar(scalar: np.generic) -> dict[str, Any] | None:
    """A scalar of numpy, bit by bit, or None for one with fields or of another package's dtype."""
    import numpy as np

    if isinstance(scalar, np.str_):  # a dtype of strings would cut trailing NULs off
        return {"$scalar": ["U", to_base64(str.__str__(scalar).encode("utf-32-le", "surrogatepass"))]}
    if isinstance(scalar, np.bytes_):
        return {"$scalar": ["S", to_base64(bytes(scalar))]}
    if scalar.dtype.kind == "V" or scalar.dtype.type.__module__ != "numpy":
        return None
    return {"$scalar": [scalar.dtype.str, to_base64(scalar.tobytes())]}


def read_scalar(kind: str, text: str) -> np.generic:
    """What `write_scalar` wrote."""
    import numpy as np

    data = from_base64(text)
    if kind == "U":
        return np.str_(data.decode("utf-32-le", "surrogatepass"))
    if kind == "S":
        return np.bytes_(data)
    (scalar,) = np.frombuffer(data, np.dtype(kind))
    return scalar  # type: ignore[no-any-return]


def _read_datetime(body: Any) -> datetime:
    text, fold = (body, 0) if isinstance(body, str) else body
    return datetime.fromisoformat(text).replace(fold=fold)


def _read_time(body: Any) -> time:
    text, fold = (body, 0) if isinstance(body, str) else body
    return time.fromisoformat(text).replace(fold=fold)


def write_atom(value: Any) -> dict[str, Any]:
    """A value of one of the types in `WRITERS`, or of a subclass. Raises ValueError for one without a stored form."""
    write = WRITERS.get(type(value)) or next(write for kind, write in WRITERS.items() if isinstance(value, kind))
    return write(value)


# A datetime is a date: the narrower class stands first, for the subclasses of both.
WRITERS: dict[type, Callable[[Any], dict[str, Any]]] = {
    datetime: _write_datetime,
    date: lambda day: {"$date": date.isoformat(day)},
    time: _write_time,
    timedelta: lambda delta: {"$timedelta": [delta.days, delta.seconds, delta.microseconds]},
    UUID: lambda uuid: {"$uuid": UUID.__str__(uuid)},
    Decimal: lambda decimal: {"$decimal": Decimal.__str__(decimal)},
}
_ATOMS: dict[str, Callable[[Any], Any]] = {
    "$bytes": from_base64,
    "$complex": lambda body: complex(*map(float, body)),
    "$date": date.fromisoformat,
    "$datetime": _read_datetime,
    "$decimal": Decimal,
    "$int": lambda body: int(body, 16),
    "$time": _read_time,
    "$timedelta": lambda body: timedelta(*body),
    "$uuid": UUID,
}
READERS: dict[str, Callable[[Any], Any]] = {
    **_ATOMS,
    "$bytearray": lambda body: bytearray(from_base64(body)),
    "$deque": lambda body: deque(*body),
    "$dict": dict,
    "$frozenset": frozenset,
    "$scalar": lambda body: read_scalar(*body),
    "$set": set,
    "$tuple": tuple,
}
