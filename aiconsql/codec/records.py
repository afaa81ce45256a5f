"""Objects with named fields, known by their protocols: stored as plain dicts, and loaded as plain dicts."""

from __future__ import annotations

from typing import Any


def is_record(kind: type) -> bool:
    """Whether the objects of a class have fields that can be asked for."""
    return hasattr(kind, "model_dump") or _names(kind) is not None


def fields_of(value: Any) -> Any:
    """The fields of a dataclass, attrs or msgspec object as a dict, or what a pydantic object says (`model_dump`)."""
    kind = type(value)
    if hasattr(kind, "model_dump"):
        return value.model_dump()
    return {name: getattr(value, name) for name in _names(kind) or ()}


def _names(kind: type) -> list[str] | None:
    if hasattr(kind, "__dataclass_fields__"):
        from dataclasses import fields

        return [field.name for field in fields(kind)]
    if hasattr(kind, "__attrs_attrs__"):
        return [field.name for field in kind.__attrs_attrs__]
    if hasattr(kind, "__struct_fields__"):
        return list(kind.__struct_fields__)
    return None
