"""
The bulk form: `FROM unnest(:names::text[], :versions::bigint[]) AS u(name, version)` gives a statement its rows.

On SQLite it becomes a statement for one row, with `:u_name` for `u.name`, that runs once for each element.
"""

from __future__ import annotations

from sqlglot import exp

from aiconsql.engine.dialect.rules.types import short_name
from aiconsql.engine.dialect.rules.walk import Walk, only, refuse

_FORM = "write FROM unnest(:names::text[], …) AS u(name, …)"


def per_row(walk: Walk, node: exp.Expr) -> None:
    """Turn a statement over arrays into one over a row: `node` has from_, joins and where. Nothing without arrays."""
    arrays = _arrays(node)
    if arrays is None:
        return
    names = _names(arrays)
    parameters = {name: f"{arrays.alias}_{name}" for name in names}
    for name, array in zip(names, arrays.expressions, strict=True):
        walk.each[parameters[name]] = _parameter(walk, array)
        walk.params[parameters[name]] = short_name(array.args["to"]).removesuffix("[]")
    _remove(node, arrays)
    _bind(_statement(node), arrays.alias, parameters)


def _arrays(node: exp.Expr) -> exp.Unnest | None:
    sources = [node.args["from_"].this] if node.args.get("from_") else []
    sources += [join.this for join in node.args.get("joins") or ()]
    found = [source for source in sources if isinstance(source, exp.Unnest)]
    if len(found) > 1:
        refuse(found[1], "unnest twice", "put all arrays into one")
    return found[0] if found else None


def _names(arrays: exp.Unnest) -> list[str]:
    alias = arrays.args.get("alias")
    names = [c.name for c in alias.args.get("columns") or ()] if isinstance(alias, exp.TableAlias) else []
    if not names or len(names) != len(arrays.expressions) or arrays.args.get("offset"):
        refuse(arrays, "unnest", _FORM)
    return names


def _parameter(walk: Walk, array: exp.Expr) -> str:
    if not (isinstance(array, exp.Cast) and isinstance(array.this, exp.Placeholder)):
        refuse(array, "an array that is no parameter", _FORM)
    type_ = short_name(array.args["to"])
    if not type_.endswith("[]") or walk.params.setdefault(array.this.name, type_) != type_:
        refuse(array, "unnest of something else than its parameter's type", _FORM)
    return array.this.name


def _statement(node: exp.Expr) -> exp.Expr:
    """The INSERT around a SELECT, or the statement itself: where `u.name` may stand."""
    return node.parent if isinstance(node.parent, exp.Insert) else node


def _remove(node: exp.Expr, arrays: exp.Unnest) -> None:
    """Take the arrays out of FROM; what was joined to them stands alone, its condition in WHERE."""
    joins = list(node.args.get("joins") or ())
    own = arrays.parent
    if isinstance(own, exp.Join):
        _inner(own)
        _require(node, own.args.get("on"))
        own.pop()
        return
    if not joins:
        node.set("from_", None)
        return
    first = joins[0]
    _inner(first)
    only(first, frozenset(("this", "on", "kind")))
    _require(node, first.args.get("on"))
    node.set("from_", exp.From(this=first.this.copy()))
    node.set("joins", [join.copy() for join in joins[1:]])


def _inner(join: exp.Expr) -> None:
    if join.args.get("side"):
        refuse(join, "an outer join of arrays", "join the other way round")


def _require(node: exp.Expr, on: exp.Expr | None) -> None:
    if on is not None:
        where = node.args.get("where")
        terms = [where.this.copy(), on.copy()] if where else [on.copy()]
        node.set("where", exp.Where(this=exp.and_(*terms, copy=False)))


def _bind(node: exp.Expr, alias: str, parameters: dict[str, str]) -> None:
    _unorder(node, alias)
    for column in list(node.find_all(exp.Column)):
        if column.text("table") == alias:
            if column.name not in parameters:
                refuse(column, "a column that the arrays do not have")
            column.replace(exp.Placeholder(this=parameters[column.name]))


def _unorder(node: exp.Expr, alias: str) -> None:
    """Each row runs alone, in the order of the arrays."""
    select = node.expression if isinstance(node, exp.Insert) else node
    order = select.args.get("order") if isinstance(select, exp.Select) else None
    if order is None:
        return
    if any(column.text("table") not in ("", alias) for column in order.find_all(exp.Column)):
        refuse(order, "an order of arrays and tables together")
    select.set("order", None)
