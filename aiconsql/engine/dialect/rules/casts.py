"""Casts: a parameter is bound in the stored form, so its cast is erased; the rest convert as PostgreSQL does."""

from __future__ import annotations

from sqlglot import exp

from aiconsql.engine.dialect.rules.types import INTEGERS, UNKNOWN, literal, short_name
from aiconsql.engine.dialect.rules.walk import Typed, Walk, call, refuse, rule, swap

# (from, to) -> the taught function that converts, or None where the stored form is the same.
_CONVERSIONS: dict[tuple[str, str], str | None] = {
    ("json", "text"): None,
    ("jsonb", "text"): "jsonb_text",
    ("json", "jsonb"): None,
    ("jsonb", "json"): "jsonb_text",
    ("text", "json"): "checked_json",
    ("text", "jsonb"): "checked_json",
    ("boolean", "text"): "boolean_text",
    ("double precision", "text"): "double_text",
    ("text", "boolean"): "text_boolean",
    ("text", "double precision"): "text_double",
    ("text", "timestamptz"): "text_timestamptz",
    ("boolean", "integer"): None,
    **{(i, "text"): "integer_text" for i in INTEGERS},
    **{("text", i): f"text_{i}" for i in INTEGERS},
    **{("double precision", i): f"double_{i}" for i in INTEGERS},
    **{("jsonb", i): f"jsonb_{i}" for i in INTEGERS},
    ("jsonb", "double precision"): "jsonb_double",
    ("jsonb", "boolean"): "jsonb_boolean",
    ("integer", "boolean"): "integer_boolean",
}
_WIDER = {name: place for place, name in enumerate(INTEGERS)}


@rule(exp.Cast, args="this to")
def cast(walk: Walk, node: exp.Expr) -> Typed:
    type_ = short_name(node.args["to"])
    if isinstance(node.this, exp.Placeholder):
        return _parameter(walk, node, type_)
    if isinstance(node.this, exp.Literal) and node.this.args["is_string"]:
        return Typed(swap(node, literal(node.this, type_)), type_, nullable=False)
    value = walk.carry(node.this)
    if value.type in (UNKNOWN, type_):
        return Typed(swap(node, value.node.copy()), type_, value.bytewise, value.nullable)
    return _converted(node, value, type_)


def _parameter(walk: Walk, node: exp.Expr, type_: str) -> Typed:
    name = node.this.name
    told = walk.params.setdefault(name, type_)
    if told != type_:
        return _converted(node, Typed(node.this, told), type_)
    return Typed(swap(node, node.this.copy()), type_)


def _converted(node: exp.Expr, value: Typed, type_: str) -> Typed:
    if value.type == "numeric" and type_ == "double precision":
        return Typed(_as(node, value.node, "REAL"), type_, nullable=value.nullable)
    if value.type in _WIDER and type_ == "double precision":
        return Typed(_as(node, value.node, "REAL"), type_, nullable=value.nullable)
    if value.type in _WIDER and type_ in _WIDER:
        if _WIDER[value.type] <= _WIDER[type_]:
            return Typed(swap(node, value.node.copy()), type_, nullable=value.nullable)
        return Typed(swap(node, call(f"fits_{type_}", value.node)), type_, nullable=value.nullable)
    if (value.type, type_) not in _CONVERSIONS:
        refuse(node, f"a cast from {value.type} to {type_}")
    function = _CONVERSIONS[value.type, type_]
    new = value.node.copy() if function is None else call(function, value.node)
    return Typed(swap(node, new), type_, value.bytewise and type_ == "text", value.nullable)


def _as(node: exp.Expr, value: exp.Expr, type_: str) -> exp.Expr:
    return swap(node, exp.Cast(this=value.copy(), to=exp.DataType.build(type_, dialect="sqlite")))
