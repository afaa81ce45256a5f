"""What stands in FROM: tables, CTEs, subselects and arrays, and the columns they bring."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlglot import exp

from aiconsql.engine.dialect.rules.types import coerce
from aiconsql.engine.dialect.rules.values import element_type
from aiconsql.engine.dialect.rules.walk import Column, Walk, call, only, refuse, swap

if TYPE_CHECKING:
    from collections.abc import Mapping

_BULK_HINT = "several arrays belong into the FROM of the statement itself: FROM unnest(…) AS u(…)"


def add_source(walk: Walk, node: exp.Expr, *, optional: bool = False) -> None:
    """Bring a source into the walk's scope; `optional` on the outer side of a join."""
    if isinstance(node, exp.Subquery):
        name, columns = _subselect(walk, node)
    elif isinstance(node, exp.Unnest):
        name, columns = _array(walk, node)
    elif isinstance(node, exp.Table) and isinstance(node.this, exp.ExplodingGenerateSeries):
        name, columns = _series(walk, node)
    elif isinstance(node, exp.Table):
        name, columns = table(walk, node)
    else:
        refuse(node, type(node).__name__.upper(), "write a join, or an override in sql/sqlite/")
    if name in walk.scope.sources:
        refuse(node, f"{name} twice in FROM", "give each its alias")
    walk.scope.sources[name] = {n: replace(c, nullable=True) for n, c in columns.items()} if optional else columns


def table(walk: Walk, node: exp.Expr) -> tuple[str, Mapping[str, Column]]:
    """The name in scope and the columns of a table of the catalogue or a CTE."""
    only(node, frozenset(("this", "alias")))
    if not isinstance(node.this, exp.Identifier):
        refuse(node, "a function in FROM", "write an override in sql/sqlite/")
    alias = node.args.get("alias")
    if alias is not None and alias.args.get("columns"):
        refuse(node, "an alias with column names", "name the columns where they are made")
    columns = walk.ctes.get(node.name) or walk.catalogue.tables.get(node.name)
    if columns is None:
        refuse(node, "a table that the catalogue does not know")
    return node.alias_or_name, columns


def _subselect(walk: Walk, node: exp.Expr) -> tuple[str, Mapping[str, Column]]:
    from aiconsql.engine.dialect.rules.select import columns_of

    only(node, frozenset(("this", "alias")))
    alias = node.args.get("alias")
    if alias is not None and alias.args.get("columns"):
        refuse(node, "an alias with column names", "name the columns inside")
    outside = walk.scope.sources
    walk.scope.sources = {}  # a subselect in FROM does not see its neighbours
    columns = dict(columns_of(walk, node.this))
    walk.scope.sources = outside
    return node.alias, columns


def _array(walk: Walk, node: exp.Expr) -> tuple[str, Mapping[str, Column]]:
    """`unnest(:ids::text[]) [WITH ORDINALITY] AS u(id)`: the elements of one array, bound as JSON."""
    if len(node.expressions) != 1 or not isinstance(node.args.get("alias"), exp.TableAlias):
        refuse(node, "unnest", _BULK_HINT)
    array = walk.carry(node.expressions[0])
    alias = node.args["alias"]
    names = [c.name for c in alias.args.get("columns") or ()] or [alias.name]
    element, place = exp.alias_("value", names[0]), node.args.get("offset")
    columns = {names[0]: Column(element_type(array), bytewise=False)}
    selected: list[exp.Expr] = [element]
    if isinstance(place, exp.Identifier):
        selected.append(exp.alias_(exp.Add(this=exp.column("key"), expression=exp.Literal.number(1)), place.name))
        columns[place.name] = Column("bigint", nullable=False)
    swap(node, exp.select(*selected).from_(call("json_each", array.node)).subquery(alias.name))
    return alias.name, columns


def _series(walk: Walk, node: exp.Expr) -> tuple[str, Mapping[str, Column]]:
    """`generate_series(a, b) AS g`: integers, by a recursive query."""
    only(node, frozenset(("this", "alias")))
    series, alias = node.this, node.args.get("alias")
    if alias is None or len(alias.args.get("columns") or ()) > 1 or series.args.get("step"):
        refuse(node, "generate_series with a step or without a name")
    first, last = (coerce(walk, walk.carry(series.args[end]), "bigint") for end in ("start", "end"))
    name = alias.columns[0].name if alias.args.get("columns") else alias.name
    this = exp.column(name)
    step = exp.select(exp.Add(this=this.copy(), expression=exp.Literal.number(1))).from_("series")
    start = exp.select(first.node.copy()).where(exp.LTE(this=first.node.copy(), expression=last.node.copy()))
    query = exp.union(start, step.where(exp.LT(this=this.copy(), expression=last.node.copy())), distinct=False)
    whole = exp.select(this.copy()).from_("series").with_(f"series({name})", as_=query, recursive=True)
    swap(node, whole.subquery(alias.name))
    return alias.name, {name: Column("bigint", nullable=False)}
