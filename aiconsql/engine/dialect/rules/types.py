"""PostgreSQL's types: their short names, which are brought together, and how a literal is written for each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlglot import exp

from aiconsql.engine.dialect.rules.walk import Typed, refuse, swap
from aiconsql.engine.dialect.taught_times import moment_of, timestamp_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiconsql.engine.dialect.rules.walk import Walk

UNKNOWN = "unknown"  # a quoted literal, NULL, or a parameter whose type nobody told: the context decides
INTEGERS = ("smallint", "integer", "bigint")
NUMBERS = (*INTEGERS, "numeric", "double precision")
SCALARS = frozenset(
    {
        "text",
        "boolean",
        "smallint",
        "integer",
        "bigint",
        "double precision",
        "bytea",
        "json",
        "jsonb",
        "timestamptz",
    }
)
_SHORT = {
    exp.DType.TEXT: "text", exp.DType.BOOLEAN: "boolean", exp.DType.SMALLINT: "smallint", exp.DType.INT: "integer",
    exp.DType.BIGINT: "bigint", exp.DType.DOUBLE: "double precision", exp.DType.VARBINARY: "bytea",
    exp.DType.JSON: "json", exp.DType.JSONB: "jsonb", exp.DType.TIMESTAMPTZ: "timestamptz",
}  # fmt: skip


def short_name(kind: exp.DataType) -> str:
    """The short name of a type as it stands in a cast or a column definition; refused when it is not one of ours."""
    if kind.this is exp.DType.ARRAY and len(kind.expressions) == 1:
        return short_name(kind.expressions[0]) + "[]"
    if kind.this not in _SHORT or kind.expressions:
        refuse(
            kind,
            "type",
            "text, bigint, integer, smallint, boolean, double precision, bytea, json, jsonb or timestamptz",
        )
    return _SHORT[kind.this]


def common_type(values: Sequence[Typed]) -> str:
    """The type that PostgreSQL brings `values` to: of a CASE, a UNION, a comparison."""
    known = list(dict.fromkeys(v.type for v in values if v.type != UNKNOWN))
    if not known:
        return UNKNOWN
    if all(name in NUMBERS for name in known):
        return max(known, key=NUMBERS.index)
    if len(known) > 1:
        refuse(values[0].node, f"{known[0]} beside {known[1]}", "cast one of them")
    return known[0]


def coerce(walk: Walk, value: Typed, type_: str) -> Typed:
    """`value` as PostgreSQL takes it where `type_` is wanted, without a cast that somebody wrote."""
    if type_ in (value.type, UNKNOWN):
        return value
    if value.type == UNKNOWN:
        return _decided(walk, value, type_)
    if value.type in INTEGERS and type_ in INTEGERS:
        return Typed(value.node, type_)
    if value.type in (*INTEGERS, "numeric") and type_ == "double precision":
        return Typed(_real(value.node), type_)
    return refuse(value.node, f"{value.type} where {type_} is wanted", "write the cast")


def _real(node: exp.Expr) -> exp.Expr:
    return swap(node, exp.Cast(this=node.copy(), to=exp.DataType.build("REAL", dialect="sqlite")))


def _decided(walk: Walk, value: Typed, type_: str) -> Typed:
    node = value.node
    if isinstance(node, exp.Placeholder):
        walk.params.setdefault(node.name, type_)
    elif isinstance(node, exp.Literal):
        node = swap(node, literal(node, type_))
    elif not isinstance(node, exp.Null):
        refuse(node, "a value of no type", f"write ::{type_}")
    return Typed(node, type_, nullable=value.nullable)


def literal(node: exp.Literal, type_: str) -> exp.Expr:
    """A quoted literal as SQLite stores a value of `type_`."""
    try:
        return _LITERALS[type_](node.name)
    except (KeyError, ValueError):
        return refuse(node, f"a literal of type {type_}")


def _integer(text: str) -> exp.Expr:
    number = exp.Literal.number(abs(int(text)))
    return exp.Neg(this=number) if int(text) < 0 else number


def _moment(text: str) -> exp.Expr:
    return exp.Literal.string(timestamp_text(moment_of(text)))


def _json(text: str) -> exp.Expr:
    json.loads(text)
    return exp.Literal.string(text)


def _bytes(text: str) -> exp.Expr:
    if not text.startswith("\\x"):
        raise ValueError(text)
    return exp.HexString(this=bytes.fromhex(text[2:]).hex())


def _boolean(text: str) -> exp.Expr:
    return exp.Boolean(this={"true": True, "t": True, "false": False, "f": False}[text.lower()])


_LITERALS = {
    "text": exp.Literal.string, "smallint": _integer, "integer": _integer, "bigint": _integer, "boolean": _boolean,
    "double precision": lambda text: exp.Literal.number(repr(float(text))),
    "timestamptz": _moment, "json": _json, "jsonb": _json, "bytea": _bytes,
}  # fmt: skip
