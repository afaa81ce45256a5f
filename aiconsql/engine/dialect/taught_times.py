"""Taught functions over moments: on SQLite a text of one width, in UTC, so that text order is time order."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from aiconsql.engine.dialect.taught_values import TaughtError, strict

if TYPE_CHECKING:
    from collections.abc import Callable

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d(:?\d\d)?)")


def timestamp_text(moment: datetime) -> str:
    """The one text of a moment on SQLite: UTC, 32 characters."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def moment_of(text: str) -> datetime:
    """The moment that a text names on both databases alike: with an offset, to the microsecond. Raises ValueError."""
    if not _MOMENT.fullmatch(text):
        raise ValueError(f"{text!r}: no moment with an offset")
    return datetime.fromisoformat(text)


def _text_timestamptz(text: str) -> str:
    try:
        return timestamp_text(moment_of(text))
    except ValueError as error:
        raise TaughtError("22007", {"value": text}, str(error)) from error


def _moment_after(moment: str, seconds: float) -> str:
    return timestamp_text(datetime.fromisoformat(moment) + timedelta(microseconds=round(seconds * 1e6)))


def _seconds_between(later: str, earlier: str) -> float:
    difference = datetime.fromisoformat(later) - datetime.fromisoformat(earlier)
    return (difference // timedelta(microseconds=1)) / 10**6


def _seconds_of(moment: str) -> float:
    return _seconds_between(moment, "1970-01-01T00:00:00+00:00")


def _moment_cut(unit: str, moment: str) -> str:
    kept = {"year": 4, "month": 7, "day": 10, "hour": 13, "minute": 16, "second": 19}[unit]
    return moment[:kept] + "0001-01-01T00:00:00.000000+00:00"[kept:]


FUNCTIONS: dict[str, tuple[int, Callable[..., Any]]] = {
    "text_timestamptz": (1, strict(_text_timestamptz)),
    "moment_after": (2, strict(_moment_after)),
    "seconds_between": (2, strict(_seconds_between)),
    "seconds_of": (1, strict(_seconds_of)),
    "moment_cut": (2, strict(_moment_cut)),
}
