"""What single values must be, so that what cannot be stored is told by its place before anything is sent."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, SupportsIndex

from aiconsql.codec.documents import encode_document
from aiconsql.codec.paths import place, refused

# Keys hold a tenant, an id and a name; PostgreSQL's indexes take 2,704 bytes.
TEXT_BYTES_MAX = 800
COUNT_MAX = 2**63 - 1
Scalar = str | bool | int | float | None


def path(*steps: str) -> str:
    """The place of a value in an AIcon, such as ``$.factors.rate.samples``."""
    return place("$", steps)


def text(value: object, where: str) -> str:
    """`value`, which must be text that both databases store and can find again: 1 to 800 bytes of UTF-8 without NUL."""
    if not isinstance(value, str):
        raise refused(where, f"a {type(value).__name__} is no text", "use str(value)")
    try:
        size = len(value.encode())
    except UnicodeEncodeError as error:
        raise refused(where, "half a surrogate pair cannot be stored") from error
    if "\0" in value:
        raise refused(where, "a NUL character cannot be stored")
    if not 0 < size <= TEXT_BYTES_MAX:
        raise refused(where, f"{size} bytes of text; it takes 1 to {TEXT_BYTES_MAX}")
    return str.__str__(value)


def instant(value: object, where: str) -> datetime:
    """`value` in UTC; it must be a datetime that knows its time zone."""
    if not isinstance(value, datetime):
        raise refused(where, f"a {type(value).__name__} is no datetime")
    if value.utcoffset() is None:
        raise refused(where, "a time without time zone", "use datetime.now(timezone.utc), or value.astimezone()")
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise refused(where, f"{value} is outside the years 1 to 9999 of UTC") from error


def count(value: object, where: str, *, least: int = 0) -> int:
    """`value`, which must be a whole number from `least` on that fits 64 bits."""
    if isinstance(value, bool) or not isinstance(value, SupportsIndex):
        raise refused(where, f"a {type(value).__name__} is no whole number")
    number = int(value.__index__())
    if not least <= number <= COUNT_MAX:
        raise refused(where, f"{number} is not from {least} to {COUNT_MAX}")
    return number


def plain(value: Any) -> Any:
    """`value` with numpy's scalars and arrays, and tuples, as numbers, texts and lists, which a database compares."""
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value.tolist() if hasattr(value, "dtype") and hasattr(value, "tolist") else value


def scalar(value: object, where: str) -> Scalar:
    """`value`, which must be a text, a number, a truth value or None, as a plain one."""
    bare = plain(value)
    if bare is None or isinstance(bare, str | bool | int | float):
        return bare
    raise refused(where, f"a {type(value).__name__} is neither text nor a number", "put it into the state or the brain")


def inline(value: object, where: str) -> str:
    """`value` as JSON text; it must hold no array, because its row has no place for the bytes."""
    document = encode_document(value, where=where)
    if document.segments:
        raise refused(where, "an array or long bytes cannot be stored here", "put it into samples or the brain")
    return document.json
