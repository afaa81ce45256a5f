"""Columns, parameters, literals, and the operators whose meaning depends on their types."""

from __future__ import annotations

from sqlglot import exp

from aiconsql.engine.dialect.rules.types import (
    INTEGERS,
    UNKNOWN,
    coerce,
    common_type,
)
from aiconsql.engine.dialect.rules.walk import Typed, Walk, call, refuse, rule, swap

COLLATE_HINT = 'text is ordered by the database\'s locale here; write COLLATE "C"'


@rule(exp.Column, args="this table")
def column(walk: Walk, node: exp.Expr) -> Typed:
    if isinstance(node.this, exp.Star):
        refuse(node, "a list of all columns", "list the columns")
    found = walk.scope.find(node.text("table"), node.name)
    if found is None:
        refuse(node, "a column of no known table")
    return Typed(node, found.type, found.bytewise and found.type == "text", found.nullable)


@rule(exp.Placeholder, args="this")
def placeholder(walk: Walk, node: exp.Expr) -> Typed:
    return Typed(node, walk.params.get(node.name, UNKNOWN))


@rule(exp.Literal, args="this is_string")
def literal(_walk: Walk, node: exp.Expr) -> Typed:
    if node.args["is_string"]:
        return Typed(node, UNKNOWN, nullable=False)
    if not node.name.isdigit():
        return Typed(node, "numeric", nullable=False)
    size = int(node.name)
    if size >= 2**63:
        refuse(node, "a number beyond bigint")
    return Typed(node, "integer" if size < 2**31 else "bigint", nullable=False)


@rule(exp.RawString)
def dollar_quoted(_walk: Walk, node: exp.Expr) -> Typed:
    return Typed(swap(node, exp.Literal.string(node.name)), UNKNOWN, nullable=False)


@rule(exp.Null, args="")
def null(_walk: Walk, node: exp.Expr) -> Typed:
    return Typed(node, UNKNOWN)


@rule(exp.Boolean)
def boolean(_walk: Walk, node: exp.Expr) -> Typed:
    return Typed(node, "boolean", nullable=False)


@rule(exp.Paren)
def paren(walk: Walk, node: exp.Expr) -> Typed:
    inner = walk.carry(node.this)
    return Typed(node, inner.type, inner.bytewise, inner.nullable)


@rule(exp.Collate)
def collate(walk: Walk, node: exp.Expr) -> Typed:
    inner = walk.carry(node.this)
    if node.expression.name != "C" or inner.type not in ("text", UNKNOWN):
        refuse(node, "a collation", 'only COLLATE "C" orders alike on both databases')
    inner = coerce(walk, inner, "text")
    return Typed(swap(node, inner.node.copy()), "text", bytewise=True, nullable=inner.nullable)


@rule(exp.And, exp.Or, args="this expression")
def logic(walk: Walk, node: exp.Expr) -> Typed:
    for side in (node.this, node.expression):
        condition(walk, side)
    return Typed(node, "boolean")


@rule(exp.Not)
def negation(walk: Walk, node: exp.Expr) -> Typed:
    condition(walk, node.this)
    return Typed(node, "boolean")


def condition(walk: Walk, node: exp.Expr) -> None:
    """Carry a condition, which must be a boolean."""
    value = coerce(walk, walk.carry(node), "boolean")
    if value.type != "boolean":
        refuse(value.node, f"{value.type} as a condition")


def compared(walk: Walk, node: exp.Expr, values: list[Typed], *, ordered: bool) -> list[Typed]:
    """Values that are compared with each other, brought to one type that both databases compare alike."""
    type_ = common_type(values)
    if type_ == UNKNOWN:
        if any(isinstance(v.node, exp.Placeholder) for v in values):
            refuse(node, "a comparison of values without a type", "cast one of them")
        type_ = "text"
    if type_ in ("json", "jsonb") or type_.endswith("[]"):
        refuse(node, f"a comparison of {type_}", "compare ::text, or a column of its own")
    if ordered and type_ == "text" and not any(v.bytewise for v in values):
        refuse(node, "an order of text", COLLATE_HINT)
    return [coerce(walk, v, type_) for v in values]


@rule(exp.EQ, exp.NEQ, exp.NullSafeEQ, exp.NullSafeNEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, args="this expression")
def comparison(walk: Walk, node: exp.Expr) -> Typed:
    left, right = node.this, node.expression
    if isinstance(right, exp.Any) or (
        isinstance(right, exp.Anonymous) and right.name.upper() in ("ALL", "ANY", "SOME")
    ):
        return _against_array(walk, node)
    ordered = isinstance(node, (exp.LT, exp.LTE, exp.GT, exp.GTE))
    if isinstance(left, exp.Tuple) and isinstance(right, exp.Tuple):
        if len(left.expressions) != len(right.expressions):
            refuse(node, "rows of different length")
        for a, b in zip(list(left.expressions), list(right.expressions), strict=True):
            compared(walk, node, [walk.carry(a), walk.carry(b)], ordered=ordered)
        return Typed(node, "boolean")
    compared(walk, node, [walk.carry(left), walk.carry(right)], ordered=ordered)
    return Typed(node, "boolean")


def _against_array(walk: Walk, node: exp.Expr) -> Typed:
    """`x = ANY(:ids::text[])` and `x <> ALL(…)`: the array is bound as JSON."""
    right, is_any = node.expression, isinstance(node.expression, exp.Any)
    if isinstance(node, exp.EQ) is not is_any or not isinstance(node, (exp.EQ, exp.NEQ)):
        refuse(node, "a comparison with an array", "only = ANY(…) and <> ALL(…)")
    array = walk.carry(right.this.unnest() if is_any else right.expressions[0])
    value = compared(walk, node, [walk.carry(node.this), Typed(array.node, element_type(array))], ordered=False)[0]
    values = exp.select("value").from_(call("json_each", array.node))
    found: exp.Expr = exp.In(this=value.node.copy(), query=values.subquery())
    if not is_any:
        found = exp.Not(this=found)
    if not is_any or not _filters(node):
        # NULL, not false or true, for an array that is NULL.
        found = exp.Case(
            ifs=[exp.If(this=exp.Not(this=exp.Is(this=array.node.copy(), expression=exp.Null())), true=found)]
        )
    return Typed(swap(node, found), "boolean")


def element_type(array: Typed) -> str:
    """The type of an array's elements, which must be a parameter that JSON can carry."""
    type_ = array.type.removesuffix("[]")
    if not isinstance(array.node, exp.Placeholder) or type_ == array.type:
        refuse(array.node, "an array", "only a parameter with a cast such as :ids::text[]")
    if type_ in ("bytea", "json", "jsonb"):
        refuse(array.node, f"an array of {type_}", "write the bulk form: FROM unnest(…) AS u(…)")
    return type_


def _filters(node: exp.Expr) -> bool:
    """Whether `node` stands where NULL means the same as false: in a WHERE or an ON, below nothing but AND and OR."""
    parent = node.parent
    while isinstance(parent, (exp.And, exp.Or, exp.Paren)):
        parent = parent.parent
    return isinstance(parent, (exp.Where, exp.Join))


@rule(exp.Is, args="this expression negate")
def is_(walk: Walk, node: exp.Expr) -> Typed:
    value = walk.carry(node.this)
    if isinstance(node.expression, exp.Boolean):
        coerce(walk, value, "boolean")
    elif not isinstance(node.expression, exp.Null):
        refuse(node)
    elif isinstance(value.node, exp.Placeholder) and value.type == UNKNOWN:
        refuse(node, "a value without a type", "cast it")
    return Typed(node, "boolean", nullable=False)


@rule(exp.Between, args="this low high")
def between(walk: Walk, node: exp.Expr) -> Typed:
    compared(walk, node, walk.carry_all([node.this, node.args["low"], node.args["high"]]), ordered=True)
    return Typed(node, "boolean")


@rule(exp.In, args="this expressions query")
def in_(walk: Walk, node: exp.Expr) -> Typed:
    if node.args.get("query"):
        return _in_query(walk, node)
    if isinstance(node.this, exp.Tuple):
        refuse(node, "rows in a list")
    compared(walk, node, walk.carry_all([node.this, *node.expressions]), ordered=False)
    return Typed(node, "boolean")


def _in_query(walk: Walk, node: exp.Expr) -> Typed:
    from aiconsql.engine.dialect.rules.select import columns_of

    query = node.args["query"]
    columns = columns_of(walk, query.this if isinstance(query, exp.Subquery) else query)
    keys = list(node.this.expressions) if isinstance(node.this, exp.Tuple) else [node.this]
    if len(keys) != len(columns):
        refuse(node, "rows of different length")
    for key, (_name, column_) in zip(keys, columns, strict=True):
        value = walk.carry(key)
        if value.type == UNKNOWN:
            value = coerce(walk, value, column_.type)
        if value.type != column_.type and not (value.type in INTEGERS and column_.type in INTEGERS):
            refuse(node, f"{value.type} among {column_.type}", "cast it")
    return Typed(node, "boolean")
