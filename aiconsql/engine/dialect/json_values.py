"""PostgreSQL's json and jsonb as pure functions over JSON text: what SQLite's own JSON functions answer differently."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_SPACE = re.compile(r"[ \t\n\r]*")
_ABSENT = object()


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=_no_constant)


def load(text: str) -> Any:
    """The value of a JSON text; fractions as Decimal, as jsonb keeps them. Raises ValueError."""
    return _DECODER.decode(text)


def jsonb_text(value: Any) -> str:
    """What PostgreSQL prints for a jsonb value: keys by length and bytes, a blank after colon and comma."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: (len(key.encode()), key.encode()))
        return "{" + ", ".join(f"{_quoted(key)}: {jsonb_text(value[key])}" for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(jsonb_text, value)) + "]"
    if isinstance(value, Decimal):
        return format(abs(value) if value == 0 else value, "f")
    return _quoted(value)


def _quoted(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def scalar_text(value: Any) -> str | None:
    """What `->>` gives for a jsonb value: NULL for null, a string without quotes, the rest as printed."""
    if value is None or isinstance(value, str):
        return value
    return jsonb_text(value)


def step(value: Any, key: str | int) -> Any:
    """What `->` finds: a member by text, an element by number, else `missing`."""
    if isinstance(value, dict) and isinstance(key, str):
        return value.get(key, _ABSENT)
    if isinstance(value, list) and isinstance(key, int) and -len(value) <= key < len(value):
        return value[key]
    return _ABSENT


def walk(value: Any, path: list[str]) -> Any:
    """What `#>` finds: the steps are text, and mean a number inside an array."""
    for key in path:
        value = step(value, _index(key) if isinstance(value, list) else key)
        if value is _ABSENT:
            break
    return value


def _index(key: str) -> str | int:
    return int(key) if re.fullmatch(r"-?\d+", key) else key


def missing(value: Any) -> bool:
    """Whether `step` or `walk` found nothing."""
    return value is _ABSENT


def raw_step(text: str, key: str | int) -> str | None:
    """What `->` gives for `json`: the member exactly as it is written."""
    items = list(_items(text))
    if isinstance(key, int):
        return items[key][1] if text.lstrip().startswith("[") and -len(items) <= key < len(items) else None
    found = [item for name, item in items if name == key]
    return found[-1] if found else None


def raw_walk(text: str, path: list[str]) -> str | None:
    """What `#>` gives for `json`."""
    found: str | None = text
    for key in path:
        if found is None:
            return None
        found = raw_step(found, _index(key) if found.lstrip().startswith("[") else key)
    return found if found is None else found.strip(" \t\n\r") if path else found


def raw_text(text: str | None) -> str | None:
    """What `->>` gives for a member of `json`."""
    if text is None or text == "null":
        return None
    return load(text) if text.startswith('"') else text


def _items(text: str) -> Iterator[tuple[str | None, str]]:
    """The members (name, text) of an object, or the elements (None, text) of an array."""
    at = _skip(text, 0)
    if text[at : at + 1] not in ("{", "["):
        return
    named = text[at] == "{"
    at = _skip(text, at + 1)
    while text[at] not in "}]":
        name = None
        if named:
            name, at = _DECODER.raw_decode(text, at)
            at = _skip(text, _skip(text, at) + 1)
        _value, end = _DECODER.raw_decode(text, at)
        yield name, text[at:end]
        at = _skip(text, end)
        at = _skip(text, at + 1) if text[at] == "," else at


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def contains(whole: Any, part: Any) -> bool:
    """`whole @> part` for jsonb."""
    if isinstance(whole, list) and not isinstance(part, (list, dict)):
        return any(_same(item, part) for item in whole)  # jsonb's exception: an array contains a bare scalar
    return _contains(whole, part)


def _contains(whole: Any, part: Any) -> bool:
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(k in whole and _contains(whole[k], v) for k, v in part.items())
    if isinstance(part, list):
        return isinstance(whole, list) and all(any(_contains(item, wanted) for item in whole) for wanted in part)
    return _same(whole, part)


def _same(a: Any, b: Any) -> bool:
    return not isinstance(a, (dict, list)) and isinstance(a, bool) == isinstance(b, bool) and bool(a == b)


def concatenated(a: Any, b: Any) -> Any:
    """`a || b` for jsonb."""
    if isinstance(a, dict) and isinstance(b, dict):
        return {**a, **b}
    return (a if isinstance(a, list) else [a]) + (b if isinstance(b, list) else [b])


def without(value: Any, key: str) -> Any:
    """`value - key` for jsonb. Raises ValueError for a scalar."""
    if isinstance(value, dict):
        return {k: v for k, v in value.items() if k != key}
    if isinstance(value, list):
        return [item for item in value if item != key]
    raise ValueError("cannot delete from scalar")


def changed_at(value: Any, path: list[str], new: Any, *, create: bool) -> Any:
    """`jsonb_set(value, path, new, create)`. Raises ValueError for a scalar."""
    if not isinstance(value, (dict, list)):
        raise ValueError("cannot set path in scalar")  # noqa: TRY004 - a value that PostgreSQL refuses
    return _changed(value, path, new, create=create)


def _changed(value: Any, path: list[str], new: Any, *, create: bool) -> Any:
    if not path or not isinstance(value, (dict, list)):
        return value
    if isinstance(value, list):
        return _changed_item(value, path, new, create=create)
    key, rest = path[0], path[1:]
    if rest:
        return {**value, key: _changed(value[key], rest, new, create=create)} if key in value else value
    return {**value, key: new} if create or key in value else value


def _changed_item(value: list[Any], path: list[str], new: Any, *, create: bool) -> list[Any]:
    place = _index(path[0])
    if not isinstance(place, int):
        raise ValueError(f"path element {path[0]} is not an integer")  # noqa: TRY004 - it stands for PostgreSQL's
    if -len(value) <= place < len(value):
        place %= len(value)
        item = _changed(value[place], path[1:], new, create=create) if path[1:] else new
        return [*value[:place], item, *value[place + 1 :]]
    if path[1:] or not create:
        return value
    return [new, *value] if place < 0 else [*value, new]


def kind(value: Any) -> str:
    """`jsonb_typeof`."""
    kinds = {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null"}
    return kinds.get(type(value), "number")
