"""
Values in PostgreSQL's binary format, by the type that PREPARE reported for the parameter.

Source: PostgreSQL's documentation, "Formats and Format Codes", and the receive functions of its types.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from aiconsql.errors import InvalidValue

Encoder = Callable[[Any], bytes]

# Object ids are fixed for built-in types.
OIDS: Mapping[str, int] = {
    "boolean": 16, "bytea": 17, "bigint": 20, "smallint": 21, "integer": 23, "text": 25,
    "json": 114, "double precision": 701, "timestamptz": 1184, "jsonb": 3802,
    "boolean[]": 1000, "bytea[]": 1001, "bigint[]": 1016, "smallint[]": 1005, "integer[]": 1007, "text[]": 1009,
    "json[]": 199, "double precision[]": 1022, "timestamptz[]": 1185, "jsonb[]": 3807,
}  # fmt: skip

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Unstorable(ValueError):
    """A text that one of the databases would not store; says why, without the text."""


def storable(value: str) -> bytes:
    """The UTF-8 of a text that both databases store.

    Raises:
        Unstorable: a NUL character or half a surrogate pair.
    """
    try:
        data = str.encode(value)
    except UnicodeEncodeError:
        raise Unstorable("half a surrogate pair cannot be stored") from None
    if b"\0" in data:
        raise Unstorable("a NUL character cannot be stored")
    return data


def _jsonb(value: str) -> bytes:
    return b"\x01" + storable(value)  # the format's version


def _timestamptz(value: datetime) -> bytes:
    if value.tzinfo is None:
        raise ValueError("a datetime without time zone")
    return struct.pack("!q", (value - _EPOCH) // _MICROSECOND)


def timestamptz(data: bytes | memoryview) -> datetime:
    """The instant in binary `data`, in UTC."""
    return _EPOCH + timedelta(microseconds=struct.unpack("!q", data)[0])


def _number(code: str) -> Encoder:
    return struct.Struct(code).pack


_SCALARS: Mapping[str, Encoder] = {
    "boolean": _number("!?"), "smallint": _number("!h"), "integer": _number("!i"), "bigint": _number("!q"),
    "double precision": _number("!d"), "text": storable, "json": storable, "jsonb": _jsonb, "bytea": bytes,
    "timestamptz": _timestamptz,
}  # fmt: skip


def _array(element: str) -> Encoder:
    encode, oid = _SCALARS[element], OIDS[element]
    length = struct.Struct("!i").pack
    null = length(-1)

    def encode_array(values: Sequence[Any]) -> bytes:
        if not len(values):
            return struct.pack("!iii", 0, 0, oid)
        out = [b""]
        has_null = 0
        for value in values:
            if value is None:
                out.append(null)
                has_null = 1
            else:
                data = encode(value)
                out += (length(len(data)), data)
        out[0] = struct.pack("!iiiii", 1, has_null, oid, len(values), 1)
        return b"".join(out)

    return encode_array


_ENCODERS: Mapping[str, Encoder] = {**_SCALARS, **{f"{name}[]": _array(name) for name in _SCALARS}}


def encode(value: object, type_name: str, where: str) -> bytes | None:
    """`value` as binary `type_name`; None is NULL.

    Raises:
        InvalidValue: the value does not fit the type; `where` names the parameter.
    """
    if value is None:
        return None
    try:
        return _ENCODERS[type_name](value)
    except (TypeError, ValueError, struct.error, AttributeError, OverflowError) as error:
        raise unfit(value, type_name, where, error) from error


def unfit(value: object, type_name: str, where: str, error: Exception) -> InvalidValue:
    """The error for a value that does not fit its parameter; the value itself may be a secret and is not shown."""
    problem = str(error) if isinstance(error, Unstorable) else f"a {type(value).__name__} does not fit {type_name}"
    return InvalidValue(f"{where}: {problem}", where=where)
