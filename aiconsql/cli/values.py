"""Values of parameters, read from the text of a command line by the type that the query's map tells."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

_TRUE, _FALSE = ("true", "t", "yes", "on", "1"), ("false", "f", "no", "off", "0")


def read_value(text: str, kind: str) -> Any:
    """`text` as a value of this type.

    Raises:
        ValueError: it is none; the message says what is wrong with it.
    """
    if kind.endswith("[]"):
        return _array(text, kind.removesuffix("[]"))
    return _READERS[kind](text)


def _array(text: str, kind: str) -> list[Any]:
    found = json.loads(text)
    if not isinstance(found, list):
        raise ValueError("a JSON array is needed")  # noqa: TRY004 - a wrong text, not a wrong type
    return [None if item is None else _READERS[kind](_text(item)) for item in found]


def _text(item: Any) -> str:
    return item if isinstance(item, str) else json.dumps(item)


def _boolean(text: str) -> bool:
    if text.lower() not in _TRUE + _FALSE:
        raise ValueError("true or false")
    return text.lower() in _TRUE


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time zone is missing, such as Z")
    return moment


def _document(text: str) -> str:
    json.loads(text)
    return text


_READERS: Mapping[str, Callable[[str], Any]] = {
    "text": str,
    "smallint": int,
    "integer": int,
    "bigint": int,
    "double precision": float,
    "boolean": _boolean,
    "bytea": lambda text: bytes.fromhex(text.removeprefix("\\x")),
    "json": _document,
    "jsonb": _document,
    "timestamptz": _moment,
}
