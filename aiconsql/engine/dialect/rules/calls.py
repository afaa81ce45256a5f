"""Functions by name and argument types, aggregates and window functions."""

from __future__ import annotations

from typing import NamedTuple

from sqlglot import exp

from aiconsql.engine.dialect.rules.select import ordering
from aiconsql.engine.dialect.rules.types import INTEGERS, UNKNOWN, coerce
from aiconsql.engine.dialect.rules.values import COLLATE_HINT, compared, condition
from aiconsql.engine.dialect.rules.walk import Typed, Walk, call, only, refuse, rule, swap


class Signature(NamedTuple):
    """A function that PostgreSQL has: its argument types, its result, and its name on SQLite."""

    arguments: tuple[str, ...]
    result: str
    lite: str


def _signatures(*lines: str) -> dict[str, list[Signature]]:
    """Read lines such as `length(text) integer`, with the SQLite name behind `->` where it differs."""
    found: dict[str, list[Signature]] = {}
    for line in lines:
        head, _, lite = line.partition(" -> ")
        name, _, rest = head.partition("(")
        arguments, _, result = rest.partition(") ")
        types = tuple(a.strip() for a in arguments.split(",")) if arguments else ()
        found.setdefault(name, []).append(Signature(types, result, lite or name))
    return found


FUNCTIONS = _signatures(
    "current_tenant() text",
    "aiconsql_now() timestamptz",
    "clock_timestamp() timestamptz",
    "expect_version(text, text, bigint, bigint, bigint) bigint",
    "require_row(text, text, boolean) boolean",
    "accept_value(text, text, json, jsonb, bigint) bigint",
    "length(text) integer",
    "length(bytea) integer",
    "octet_length(bytea) integer -> length",
    "octet_length(text) integer",
    "replace(text, text, text) text",
    "strpos(text, text) integer -> instr",
    "starts_with(text, text) boolean",
    "lower(text) text",
    "upper(text) text",
    "md5(text) text",
    "md5(bytea) text",
    "sha256(bytea) bytea",
    "encode(bytea, text) text",
    "decode(text, text) bytea",
    "convert_to(text, text) bytea",
    "abs(smallint) smallint",
    "abs(integer) integer",
    "abs(bigint) bigint",
    "abs(double precision) double precision",
    "ceil(double precision) double precision -> round_up",
    "floor(double precision) double precision -> round_down",
    "round(double precision) double precision -> round_even",
    "sqrt(double precision) double precision -> square_root",
    "jsonb_typeof(jsonb) text -> json_kind",
    "json_typeof(json) text -> json_kind",
    "jsonb_array_length(jsonb) integer -> array_length",
    "json_array_length(json) integer -> array_length",
)
# Functions that sqlglot has a node for: their name and the order of their arguments.
_NODES: dict[type[exp.Expr], tuple[str, str]] = {
    exp.Length: ("length", "this"), exp.Lower: ("lower", "this"), exp.Upper: ("upper", "this"),
    exp.MD5: ("md5", "this"), exp.Abs: ("abs", "this"), exp.Ceil: ("ceil", "this"), exp.Floor: ("floor", "this"),
    exp.Round: ("round", "this"), exp.Sqrt: ("sqrt", "this"),
    exp.Replace: ("replace", "this expression replacement"), exp.StrPosition: ("strpos", "this substr"),
    exp.StartsWith: ("starts_with", "this expression"), exp.Encode: ("encode", "this charset"),
    exp.Decode: ("decode", "this charset"),
}  # fmt: skip
_CASED = ("lower", "upper")  # SQLite's know ASCII alone, as PostgreSQL's do under COLLATE "C"
_AGGREGATES = (exp.Min, exp.Max, exp.Sum, exp.Avg, exp.LogicalAnd, exp.LogicalOr)


@rule(exp.Anonymous, args="this expressions")
def by_name(walk: Walk, node: exp.Expr) -> Typed:
    from aiconsql.engine.dialect.rules.json import JSON_CALLS

    name = node.name.lower()
    if name in JSON_CALLS:
        return JSON_CALLS[name](walk, node)
    return _function(walk, node, name, list(node.expressions))


@rule(*_NODES, args="this expression replacement substr charset")
def by_node(walk: Walk, node: exp.Expr) -> Typed:
    name, order = _NODES[type(node)]
    return _function(walk, node, name, [node.args[arg] for arg in order.split()])


@rule(exp.SHA2Digest, args="this length")
def sha256(walk: Walk, node: exp.Expr) -> Typed:
    if node.args["length"].name != "256":
        refuse(node)
    return _function(walk, node, "sha256", [node.this])


@rule(exp.CurrentTimestamp, args="")
def now(_walk: Walk, node: exp.Expr) -> Typed:
    return refuse(
        node, "now()", "the time of the transaction is not known on SQLite; write clock_timestamp() or aiconsql_now()"
    )


def _function(walk: Walk, node: exp.Expr, name: str, arguments: list[exp.Expr]) -> Typed:
    if name not in FUNCTIONS:
        refuse(node, f"function {name}", "use one of the list in engine/dialect/rules/calls.py, or write an override")
    values = walk.carry_all(arguments)
    signature = _matching(node, name, values)
    done = [coerce(walk, v, t) for v, t in zip(values, signature.arguments, strict=True)]
    bytewise = any(v.bytewise for v in done)
    if name in _CASED and not bytewise:
        refuse(node, name, COLLATE_HINT)
    return Typed(swap(node, call(signature.lite, *(v.node for v in done))), signature.result, bytewise)


def _matching(node: exp.Expr, name: str, values: list[Typed]) -> Signature:
    fitting = [s for s in FUNCTIONS[name] if len(s.arguments) == len(values) and all(map(_fits, values, s.arguments))]
    exact = [s for s in fitting if all(v.type in (t, UNKNOWN) for v, t in zip(values, s.arguments, strict=True))]
    best = exact or fitting
    if not best or (len(best) > 1 and any(v.type == UNKNOWN for v in values)):
        types = ", ".join(v.type for v in values)
        refuse(node, f"function {name}({types})", "cast the arguments")
    return best[0]


def _fits(value: Typed, type_: str) -> bool:
    return value.type in (type_, UNKNOWN) or (value.type in INTEGERS and type_ in (*INTEGERS, "double precision"))


@rule(exp.Substring, args="this start length")
def substring(walk: Walk, node: exp.Expr) -> Typed:
    """`substr(x, from, n)`: a start below 1 means something else on SQLite, so it is refused when it runs."""
    text = walk.carry(node.this)
    if text.type not in ("text", "bytea"):
        refuse(node, f"substr of {text.type}", "cast it to text or bytea")
    parts = [
        coerce(walk, walk.carry(node.args[name]), "bigint").node for name in ("start", "length") if node.args.get(name)
    ]
    checked = [
        p if isinstance(p, exp.Literal) and int(p.name) > 0 else call(f, p)
        for p, f in zip(parts, ("place_of", "count_of"), strict=False)
    ]
    return Typed(swap(node, call("substr", text.node, *checked)), text.type, text.bytewise)


@rule(exp.Count, args="this big_int")
def count(walk: Walk, node: exp.Expr) -> Typed:
    if isinstance(node.this, exp.Distinct):
        _one_distinct(node.this)
        if walk.carry(node.this.expressions[0]).type in ("json", "jsonb"):
            refuse(node, "distinct json")
    elif not isinstance(node.this, exp.Star):
        walk.carry(node.this)
    return Typed(node, "bigint", nullable=False)


def _one_distinct(node: exp.Expr) -> None:
    if len(node.expressions) != 1:
        refuse(node, "DISTINCT of several values")


@rule(*_AGGREGATES)
def aggregate(walk: Walk, node: exp.Expr) -> Typed:
    value = walk.carry(node.this)
    if isinstance(node, (exp.LogicalAnd, exp.LogicalOr)):
        return Typed(node, coerce(walk, value, "boolean").type)
    if isinstance(node, (exp.Min, exp.Max)):
        value = compared(walk, node, [value], ordered=True)[0]
        return Typed(node, value.type, value.bytewise)
    return Typed(node, _summed(node, value.type))


def _summed(node: exp.Expr, type_: str) -> str:
    if type_ == "double precision":
        return type_
    if isinstance(node, exp.Sum) and type_ in ("smallint", "integer"):
        return "bigint"
    if isinstance(node, exp.Sum) and type_ == "bigint" and isinstance(node.parent, exp.Cast):
        return "bigint"  # numeric on PostgreSQL, which the cast takes back
    return refuse(node, f"{node.key} of {type_}", "write sum(x)::bigint or avg(x::double precision)")


@rule(exp.Filter)
def filtered(walk: Walk, node: exp.Expr) -> Typed:
    if not isinstance(node.expression, exp.Where):
        refuse(node)
    condition(walk, node.expression.this)
    value = walk.carry(node.this)
    return Typed(node, value.type, value.bytewise)


@rule(exp.RowNumber, exp.Rank, exp.DenseRank, args="")
def rank(_walk: Walk, node: exp.Expr) -> Typed:
    return Typed(node, "bigint", nullable=False)


@rule(exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue, args="this offset")
def neighbour(walk: Walk, node: exp.Expr) -> Typed:
    value = walk.carry(node.this)
    if node.args.get("offset"):
        coerce(walk, walk.carry(node.args["offset"]), "integer")
    return Typed(node, value.type, value.bytewise)


@rule(exp.Window, args="this partition_by order spec alias over")
def window(walk: Walk, node: exp.Expr) -> Typed:
    value = walk.carry(node.this)
    window_parts(walk, node)
    return Typed(node, value.type, value.bytewise)


def window_parts(walk: Walk, node: exp.Expr) -> None:
    """Carry the partition, order and frame of a window."""
    for key in list(node.args.get("partition_by") or ()):
        walk.carry(key)
    if node.args.get("order"):
        ordering(walk, node.args["order"])
    spec = node.args.get("spec")
    if spec is not None:
        only(spec, frozenset("kind start start_side end end_side".split()))
        if any(
            isinstance(spec.args.get(end), exp.Expr) and not isinstance(spec.args[end], exp.Literal)
            for end in ("start", "end")
        ):
            refuse(spec, "a frame of no literal size")
