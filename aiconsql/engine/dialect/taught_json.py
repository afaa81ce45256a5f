"""Taught functions over JSON: the operators of json and jsonb, and what guards a factor's value."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from aiconsql.engine.dialect import json_values as values
from aiconsql.engine.dialect.taught_values import FUNCTIONS as PLAIN, TaughtError, double_text, strict

if TYPE_CHECKING:
    from collections.abc import Callable


def accept_value(
    name: str, factor_type: str, parameters: str | None, value: str | None, following: int | None
) -> int | None:
    """`following` when a factor of this type and these parameters may take the value; else AIC05."""
    bounds = values.load(parameters) if parameters is not None else {}
    given = values.load(value) if value is not None else None
    problem = None if value is None and factor_type != "categorical" else _problem(factor_type, bounds, given)
    if problem is not None:
        shown = "" if value is None else values.jsonb_text(given)
        detail = {"kind": "factor", "key": name, "value": given, "problem": problem}
        raise TaughtError("AIC05", detail, f"factor {name}: {shown} is {problem}")
    return following


def _problem(factor_type: str, bounds: Any, given: Any) -> str | None:
    if factor_type == "categorical":
        choices = _bound(bounds, "categories")
        missing = isinstance(choices, list) and not values.contains(choices, [given])
        return "not one of the categories" if missing else None
    if values.kind(given) != "number":
        return "not a number"
    if factor_type == "discrete" and Decimal(given) != Decimal(given).to_integral_value():
        return "not a whole number"
    lowest, highest = _bound(bounds, "lower_bound", "min_value"), _bound(bounds, "upper_bound", "max_value")
    if values.kind(lowest) == "number" and given < lowest:
        return f"below {values.jsonb_text(lowest)}"
    if values.kind(highest) == "number" and given > highest:
        return f"above {values.jsonb_text(highest)}"
    return None


def _bound(bounds: Any, *names: str) -> Any:
    """The first of these members that is there, even when it is null."""
    return next((bounds[name] for name in names if isinstance(bounds, dict) and name in bounds), None)


def _checked_json(text: str) -> str:
    values.load(text)
    return text


def _found(value: Any) -> str | None:
    return None if values.missing(value) else values.jsonb_text(value)


def _found_text(value: Any) -> str | None:
    return None if values.missing(value) else values.scalar_text(value)


def _array_length(text: str) -> int:
    value = values.load(text)
    if not isinstance(value, list):
        raise TaughtError("22023", {}, "cannot get array length of something else than an array")
    return len(value)


def _jsonb_number(convert: Callable[[Any], Any], text: str) -> Any:
    value = values.load(text)
    if values.kind(value) != "number":
        raise TaughtError("22023", {}, f"cannot cast jsonb {values.kind(value)} to a number")
    return convert(value)


def _jsonb_integer(type_: str) -> Callable[[str], Any]:
    def converted(text: str) -> Any:
        # numeric rounds halves away from zero.
        def rounded(value: Any) -> Any:
            half = Decimal(value)
            return PLAIN[f"fits_{type_}"][1](int(half + Decimal("0.5").copy_sign(half)) if half % 1 else int(half))

        return _jsonb_number(rounded, text)

    return converted


def _jsonb_boolean(text: str) -> int:
    value = values.load(text)
    if not isinstance(value, bool):
        raise TaughtError("22023", {}, f"cannot cast jsonb {values.kind(value)} to boolean")
    return int(value)


def _member_text(type_: str, value: Any) -> str:
    """A value as JSON text: of type t text, i integer, b boolean, f double precision, j JSON."""
    if value is None:
        return "null"
    if type_ == "t":
        return json.dumps(value, ensure_ascii=False)
    if type_ == "f":
        return double_text(value)
    return ("true" if value else "false") if type_ == "b" else str(value)


def _object_of(form: str) -> Callable[..., str]:
    def made(types: str, *arguments: Any) -> str:
        if None in arguments[::2]:
            raise TaughtError("22004", {}, "the key of a JSON object is NULL")
        names = [
            json.dumps(_key(t, key), ensure_ascii=False) for t, key in zip(types[::2], arguments[::2], strict=True)
        ]
        members = map(_member_text, types[1::2], arguments[1::2])
        text = "{" + ", ".join(f"{name} : {member}" for name, member in zip(names, members, strict=True)) + "}"
        return text if form == "json" else values.jsonb_text(values.load(text))

    return made


def _key(type_: str, value: Any) -> str:
    return value if type_ == "t" else _member_text(type_, value)


def _array_of(form: str) -> Callable[..., str]:
    def made(types: str, *arguments: Any) -> str:
        text = "[" + ", ".join(map(_member_text, types, arguments)) + "]"
        return text if form == "json" else values.jsonb_text(values.load(text))

    return made


def _set_at(text: str, path: str, new: str, create: int) -> str:
    changed = values.changed_at(values.load(text), json.loads(path), values.load(new), create=bool(create))
    return values.jsonb_text(changed)


_ONE: dict[str, Callable[[str], Any]] = {
    "jsonb_text": lambda x: values.jsonb_text(values.load(x)),
    "checked_json": _checked_json,
    "json_kind": lambda x: values.kind(values.load(x)),
    "array_length": _array_length,
    "jsonb_double": lambda x: _jsonb_number(float, x),
    "jsonb_boolean": _jsonb_boolean,
    **{f"jsonb_{t}": _jsonb_integer(t) for t in ("smallint", "integer", "bigint")},
}
_TWO: dict[str, Callable[[str, Any], Any]] = {
    "json_member": values.raw_step,
    "json_text_of": lambda x, key: values.raw_text(values.raw_step(x, key)),
    "json_at": lambda x, path: values.raw_walk(x, json.loads(path)),
    "json_text_at": lambda x, path: values.raw_text(values.raw_walk(x, json.loads(path))),
    "jsonb_member": lambda x, key: _found(values.step(values.load(x), key)),
    "jsonb_text_of": lambda x, key: _found_text(values.step(values.load(x), key)),
    "jsonb_at": lambda x, path: _found(values.walk(values.load(x), json.loads(path))),
    "jsonb_text_at": lambda x, path: _found_text(values.walk(values.load(x), json.loads(path))),
    "jsonb_concat": lambda a, b: values.jsonb_text(values.concatenated(values.load(a), values.load(b))),
    "jsonb_without": lambda x, key: values.jsonb_text(values.without(values.load(x), key)),
    "jsonb_contains": lambda a, b: int(values.contains(values.load(a), values.load(b))),
    "jsonb_has_key": lambda x, key: int(_has_key(values.load(x), key)),
}


def _has_key(value: Any, key: str) -> bool:
    return key in value if isinstance(value, (dict, list)) else value == key


FUNCTIONS: dict[str, tuple[int, Callable[..., Any]]] = {
    "accept_value": (5, accept_value),
    **{name: (1, strict(function)) for name, function in _ONE.items()},
    **{name: (2, strict(function)) for name, function in _TWO.items()},
    "jsonb_set_at": (4, strict(_set_at)),
    **{f"{form}_object_of": (-1, _object_of(form)) for form in ("json", "jsonb")},
    **{f"{form}_array_of": (-1, _array_of(form)) for form in ("json", "jsonb")},
}
