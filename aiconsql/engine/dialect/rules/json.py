"""JSON: `json` keeps its text, `jsonb` is normalised; both read and change values by taught functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from aiconsql.engine.dialect.rules.types import INTEGERS, UNKNOWN, coerce
from aiconsql.engine.dialect.rules.walk import Typed, Walk, call, refuse, rule, swap

if TYPE_CHECKING:
    from collections.abc import Callable

_BUILT = {
    "text": "t",
    "boolean": "b",
    "json": "j",
    "jsonb": "j",
    "double precision": "f",
    **dict.fromkeys(INTEGERS, "i"),
}


def _document(walk: Walk, node: exp.Expr) -> Typed:
    value = walk.carry(node)
    if value.type not in ("json", "jsonb"):
        refuse(node, f"a JSON operator on {value.type}", "cast it to json or jsonb")
    return value


@rule(exp.JSONExtract, exp.JSONExtractScalar, args="this expression only_json_types")
def member(walk: Walk, node: exp.Expr) -> Typed:
    """`x -> 'key'`, `x -> 0`, and `->>` for its text."""
    document = _document(walk, node.this)
    return _read(node, document, _step(walk, node.expression), scalar=isinstance(node, exp.JSONExtractScalar))


def _step(walk: Walk, path: exp.Expr) -> exp.Expr:
    if isinstance(path, exp.JSONPath):
        last = path.expressions[-1]
        if len(path.expressions) != 2 or not isinstance(last, (exp.JSONPathKey, exp.JSONPathSubscript)):
            refuse(path, "a JSON path", "one step for each ->")
        if isinstance(last, exp.JSONPathSubscript):
            return exp.Literal.number(last.this)
        return exp.Literal.string(str(last.this))
    value = walk.carry(path)
    if value.type not in ("text", *INTEGERS):
        refuse(path, "a JSON key of no type", "cast it to text or integer")
    return value.node


def _read(node: exp.Expr, document: Typed, step: exp.Expr, *, scalar: bool) -> Typed:
    function = f"{document.type}_{'text_of' if scalar else 'member'}"
    return Typed(swap(node, call(function, document.node, step)), "text" if scalar else document.type)


@rule(exp.JSONBExtract, exp.JSONBExtractScalar, args="this expression")
def member_at(walk: Walk, node: exp.Expr) -> Typed:
    """`x #> '{a,b}'` and `#>>`."""
    scalar = isinstance(node, exp.JSONBExtractScalar)
    document = _document(walk, node.this)
    function = f"{document.type}_{'text_at' if scalar else 'at'}"
    return Typed(swap(node, call(function, document.node, _path(node.expression))), "text" if scalar else document.type)


def _path(node: exp.Expr) -> exp.Expr:
    """A literal path such as '{a,0,b}', as a JSON array of its steps."""
    import json

    if not (isinstance(node, exp.Literal) and node.name.startswith("{") and node.name.endswith("}")):
        refuse(node, "a path that is no literal", "write it as '{a,b}'")
    steps = [s.strip() for s in node.name[1:-1].split(",")] if node.name != "{}" else []
    if any(c in step for step in steps for c in '"\\{} \t'):
        refuse(node, "a path with quotes", "write one -> for each step")
    return exp.Literal.string(json.dumps(steps))


def without(walk: Walk, node: exp.Expr, left: Typed, right: Typed) -> Typed:
    """`jsonb - 'key'`."""
    right = coerce(walk, right, "text") if right.type == UNKNOWN else right
    if not isinstance(node, exp.Sub) or right.type != "text":
        refuse(node, "arithmetic with jsonb", "only jsonb - text")
    return Typed(swap(node, call("jsonb_without", left.node, right.node)), "jsonb")


@rule(exp.ArrayContainsAll, args="this expression")
def contains(walk: Walk, node: exp.Expr) -> Typed:
    left = coerce(walk, walk.carry(node.this), "jsonb")
    right = coerce(walk, walk.carry(node.expression), "jsonb")
    if (left.type, right.type) != ("jsonb", "jsonb"):
        refuse(node, "containment of something else than jsonb")
    return Typed(swap(node, call("jsonb_contains", left.node, right.node)), "boolean")


@rule(exp.JSONBContainsTopKey, args="this expression")
def has_key(walk: Walk, node: exp.Expr) -> Typed:
    document, key = coerce(walk, walk.carry(node.this), "jsonb"), coerce(walk, walk.carry(node.expression), "text")
    if (document.type, key.type) != ("jsonb", "text"):
        refuse(node, "a key of something else than jsonb")
    return Typed(swap(node, call("jsonb_has_key", document.node, key.node)), "boolean")


def _set(walk: Walk, node: exp.Expr) -> Typed:
    """`jsonb_set(x, '{a,b}', value [, create])`."""
    arguments = node.expressions
    if len(arguments) not in (3, 4):
        refuse(node)
    document, value = (coerce(walk, walk.carry(arguments[i]), "jsonb") for i in (0, 2))
    create = coerce(walk, walk.carry(arguments[3]), "boolean").node if len(arguments) == 4 else exp.Boolean(this=True)
    if document.type != "jsonb" or value.type != "jsonb":
        refuse(node, f"jsonb_set({document.type}, …, {value.type})", "cast both to jsonb")
    return Typed(swap(node, call("jsonb_set_at", document.node, _path(arguments[1]), value.node, create)), "jsonb")


def _build(kind: str, shape: str) -> Callable[[Walk, exp.Expr], Typed]:
    """`jsonb_build_object(key, value, …)` and its like: the taught function is told the type of each value."""

    def carried(walk: Walk, node: exp.Expr) -> Typed:
        values = [coerce(walk, v, "text") if isinstance(v.node, exp.Literal) and v.type == UNKNOWN else v
                  for v in walk.carry_all(node.expressions)]  # fmt: skip
        for value in values:
            if value.type not in _BUILT and not isinstance(value.node, exp.Null):
                refuse(value.node, f"a JSON value made of {value.type}", "cast it to text")
        types = "".join(_BUILT.get(v.type, "t") for v in values)
        return Typed(swap(node, call(f"{kind}_{shape}", exp.Literal.string(types), *(v.node for v in values))), kind)

    return carried


JSON_CALLS: dict[str, Callable[[Walk, exp.Expr], Typed]] = {
    "jsonb_set": _set,
    "json_build_object": _build("json", "object_of"),
    "jsonb_build_object": _build("jsonb", "object_of"),
    "json_build_array": _build("json", "array_of"),
    "jsonb_build_array": _build("jsonb", "array_of"),
}
