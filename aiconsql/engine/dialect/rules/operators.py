"""Operators and conditionals whose result depends on the types of their operands."""

from __future__ import annotations

from sqlglot import exp

from aiconsql.engine.dialect.rules.types import INTEGERS, NUMBERS, UNKNOWN, coerce, common_type
from aiconsql.engine.dialect.rules.values import compared, condition
from aiconsql.engine.dialect.rules.walk import Typed, Walk, call, refuse, rule, swap

_ARITHMETIC = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.Neg)


@rule(exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, args="this expression typed safe")
def arithmetic(walk: Walk, node: exp.Expr) -> Typed:
    from aiconsql.engine.dialect.rules import json, times

    left, right = walk.carry(node.this), walk.carry(node.expression)
    if times.is_time(left) or times.is_time(right):
        return times.arithmetic(node, left, right)
    if left.type == "jsonb":
        return json.without(walk, node, left, right)
    type_ = common_type([left, right])
    if type_ not in NUMBERS:
        refuse(node, "an operator whose meaning depends on a type nobody states", "cast both sides")
    if type_ == "numeric":
        refuse(node, "numeric arithmetic", "cast to double precision")
    left, right = coerce(walk, left, type_), coerce(walk, right, type_)
    if isinstance(node, (exp.Div, exp.Mod)):
        return _division(node, left, right, type_)
    return _in_range(Typed(node, type_, nullable=left.nullable or right.nullable))


def _in_range(value: Typed) -> Typed:
    """Where PostgreSQL refuses an overflow SQLite goes on in floating point: the outermost operator is checked."""
    parent = value.node.parent
    while isinstance(parent, exp.Paren):
        parent = parent.parent
    stored = isinstance(parent, exp.EQ) and isinstance(parent.parent, (exp.Update, exp.OnConflict))
    if isinstance(parent, (*_ARITHMETIC, exp.Substring)) or (stored and value.type in INTEGERS):
        return value  # the column's own type refuses what is stored
    name = "finite" if value.type == "double precision" else f"fits_{value.type}"
    return Typed(swap(value.node, call(name, value.node)), value.type, nullable=value.nullable)


def _division(node: exp.Expr, left: Typed, right: Typed, type_: str) -> Typed:
    if isinstance(node, exp.Mod) and type_ not in INTEGERS:
        refuse(node, "a remainder of double precision")
    certain = isinstance(right.node, exp.Literal) and float(right.node.name) != 0
    if certain and type_ in INTEGERS:
        quotient = Typed(node, type_, nullable=left.nullable)
        return _in_range(quotient) if isinstance(left.node.unnest(), _ARITHMETIC) else quotient
    # SQLite answers NULL to a division by zero; the taught function refuses it, as PostgreSQL does.
    name = "integer_remainder" if isinstance(node, exp.Mod) else "real_quotient"
    if type_ in INTEGERS and isinstance(node, exp.Div):
        name = "integer_quotient"
    return Typed(swap(node, call(name, left.node, right.node)), type_)


@rule(exp.Neg)
def minus(walk: Walk, node: exp.Expr) -> Typed:
    value = walk.carry(node.this)
    if value.type not in NUMBERS:
        refuse(node, "an operator whose meaning depends on a type nobody states", "cast it")
    if isinstance(node.this, exp.Literal) or value.type == "numeric":
        return Typed(node, value.type, nullable=False)
    return _in_range(Typed(node, value.type, nullable=value.nullable))


@rule(exp.DPipe, args="this expression safe")
def concatenation(walk: Walk, node: exp.Expr) -> Typed:
    left, right = walk.carry(node.this), walk.carry(node.expression)
    types = {left.type, right.type} - {UNKNOWN}
    if types == {"jsonb"}:
        left, right = coerce(walk, left, "jsonb"), coerce(walk, right, "jsonb")
        return Typed(swap(node, call("jsonb_concat", left.node, right.node)), "jsonb")
    if types == {"bytea"}:
        left, right = coerce(walk, left, "bytea"), coerce(walk, right, "bytea")
        return Typed(swap(node, call("bytes_concat", left.node, right.node)), "bytea")
    if not types and isinstance(left.node, exp.Literal) and isinstance(right.node, exp.Literal):
        return Typed(node, "text", nullable=False)
    if "text" not in types or types - {"text", *INTEGERS}:
        refuse(node, "|| of values whose types nobody states", "cast them to text, jsonb or bytea")
    left, right = (v if v.type in INTEGERS else coerce(walk, v, "text") for v in (left, right))
    return Typed(node, "text", left.bytewise or right.bytewise, left.nullable or right.nullable)


@rule(exp.Like, args="this expression negate")
def like(walk: Walk, node: exp.Expr) -> Typed:
    for side in (node.this, node.expression):
        _text(walk, walk.carry(side))
    if isinstance(node.parent, exp.Escape):
        return Typed(node, "boolean")
    # PostgreSQL's escape character when nobody names one.
    escaped = exp.Escape(this=node.copy(), expression=exp.Literal.string("\\"))
    if node.args.get("negate"):
        escaped.this.set("negate", None)
        return Typed(swap(node, exp.Not(this=escaped)), "boolean")
    return Typed(swap(node, escaped), "boolean")


def _text(walk: Walk, value: Typed) -> None:
    if coerce(walk, value, "text").type != "text":
        refuse(value.node, f"LIKE of {value.type}", "cast it to text")


@rule(exp.Escape)
def escape(walk: Walk, node: exp.Expr) -> Typed:
    walk.carry(node.this)
    if not (isinstance(node.expression, exp.Literal) and len(node.expression.name) == 1):
        refuse(node, "an escape of no single character")
    return Typed(node, "boolean")


@rule(exp.Case, args="this ifs default")
def case(walk: Walk, node: exp.Expr) -> Typed:
    ifs, default = node.args["ifs"], node.args.get("default")
    if node.this:
        compared(walk, node, walk.carry_all([node.this, *(branch.this for branch in ifs)]), ordered=False)
    else:
        for branch in ifs:
            condition(walk, branch.this)
    results = walk.carry_all([branch.args["true"] for branch in ifs] + ([default] if default else []))
    return Typed(node, *unified(walk, results), nullable=True)


@rule(exp.Coalesce, args="this expressions")
def coalesce(walk: Walk, node: exp.Expr) -> Typed:
    values = walk.carry_all([node.this, *node.expressions])
    if len(values) == 1:
        return Typed(swap(node, values[0].node.copy()), values[0].type, values[0].bytewise, values[0].nullable)
    return Typed(node, *unified(walk, values), nullable=all(v.nullable for v in values))


@rule(exp.Nullif)
def nullif(walk: Walk, node: exp.Expr) -> Typed:
    values = compared(walk, node, walk.carry_all([node.this, node.expression]), ordered=False)
    return Typed(node, values[0].type, values[0].bytewise)


@rule(exp.Greatest, exp.Least, args="this expressions ignore_nulls")
def extreme(walk: Walk, node: exp.Expr) -> Typed:
    values = compared(walk, node, walk.carry_all([node.this, *node.expressions]), ordered=True)
    return Typed(swap(node, call(node.key, *(v.node for v in values))), values[0].type, any(v.bytewise for v in values))


def unified(walk: Walk, values: list[Typed]) -> tuple[str, bool]:
    """Bring values that stand for one result to one type; the type, and whether its text is ordered by bytes."""
    type_ = common_type(values)
    type_ = "text" if type_ == UNKNOWN and any(isinstance(v.node, exp.Literal) for v in values) else type_
    done = [coerce(walk, v, type_) for v in values]
    return type_, any(v.bytewise for v in done)
