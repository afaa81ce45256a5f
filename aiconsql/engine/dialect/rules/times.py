"""Moments and intervals: hours, minutes and seconds, which last the same in every time zone."""

from __future__ import annotations

from sqlglot import exp

from aiconsql.engine.dialect.rules.types import INTEGERS, coerce
from aiconsql.engine.dialect.rules.walk import Typed, Walk, call, refuse, rule, swap

_SECONDS = {"second": 1, "minute": 60, "hour": 3600}
_FIELDS = {"second": "second", "min": "minute", "hour": "hour"}
_HINT = "days depend on the session's time zone: write hours, or make_interval(secs => …)"


def is_time(value: Typed) -> bool:
    """Whether an operator with this value is one of times."""
    return value.type in ("timestamptz", "interval")


@rule(exp.Interval, args="this unit")
def interval(_walk: Walk, node: exp.Expr) -> Typed:
    """`interval '90 seconds'`, carried as its seconds."""
    unit = node.args["unit"].name.lower().removesuffix("s") if node.args.get("unit") else ""
    if unit not in _SECONDS or not isinstance(node.this, exp.Literal):
        refuse(node, "an interval", _HINT)
    return Typed(swap(node, exp.Literal.number(repr(float(node.this.name) * _SECONDS[unit]))), "interval")


@rule(exp.MakeInterval, args="hour minute second")
def make_interval(walk: Walk, node: exp.Expr) -> Typed:
    """`make_interval(secs => :s)`, carried as its seconds."""
    terms: list[exp.Expr] = []
    for name, argument in node.args.items():
        if argument is None:
            continue
        if not isinstance(argument, exp.Kwarg) or name not in _SECONDS:
            refuse(node, "make_interval", _HINT)
        value = walk.carry(argument.expression)
        value = coerce(walk, value, "double precision" if name == "second" else "integer")
        terms.append(exp.Mul(this=exp.paren(value.node.copy()), expression=exp.Literal.number(f"{_SECONDS[name]}.0")))
    total: exp.Expr = terms[0]
    for term in terms[1:]:
        total = exp.Add(this=total, expression=term)
    return Typed(swap(node, exp.paren(total)), "interval")


def arithmetic(node: exp.Expr, left: Typed, right: Typed) -> Typed:
    """`moment ± interval`, `moment - moment`, `n * interval`."""
    types = (left.type, right.type)
    if isinstance(node, exp.Mul) and set(types) & {*INTEGERS, "double precision", "numeric"}:
        return Typed(node, "interval")
    if types == ("timestamptz", "interval") and isinstance(node, (exp.Add, exp.Sub)):
        seconds = right.node.copy() if isinstance(node, exp.Add) else exp.Neg(this=exp.paren(right.node.copy()))
        return Typed(swap(node, call("moment_after", left.node, seconds)), "timestamptz", nullable=left.nullable)
    if types == ("timestamptz", "timestamptz") and isinstance(node, exp.Sub):
        return Typed(swap(node, call("seconds_between", left.node, right.node)), "interval")
    return refuse(node, f"{left.type} and {right.type} in one operator", "cast both sides")


@rule(exp.Extract)
def extract(walk: Walk, node: exp.Expr) -> Typed:
    """`extract(epoch from x)::double precision`."""
    value = walk.carry(node.expression)
    if node.this.name.lower() != "epoch" or value.type not in ("timestamptz", "interval"):
        refuse(node, "extract", "only extract(epoch from …)::double precision")
    if not isinstance(node.parent, exp.Cast):
        refuse(node, "extract, which is numeric", "write extract(epoch from …)::double precision")
    new = call("seconds_of", value.node) if value.type == "timestamptz" else value.node.copy()
    return Typed(swap(node, new), "numeric")


@rule(exp.TimestampTrunc, args="this unit zone")
def truncated(walk: Walk, node: exp.Expr) -> Typed:
    """`date_trunc('hour', x, 'UTC')`."""
    value, unit, zone = walk.carry(node.this), node.args["unit"].name.lower(), node.args.get("zone")
    if zone is None or zone.name != "UTC" or value.type != "timestamptz":
        refuse(node, "date_trunc", "write date_trunc('hour', x, 'UTC')")
    if unit not in ("second", "minute", "hour", "day", "month", "year"):
        refuse(node, f"date_trunc of {unit}")
    return Typed(swap(node, call("moment_cut", exp.Literal.string(unit), value.node)), "timestamptz")
