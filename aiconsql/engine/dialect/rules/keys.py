"""Whether a subselect has at most one row: by LIMIT 1, by an aggregate, or because it binds a whole key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiconsql.engine.dialect.rules.walk import Catalogue


def is_one_row(catalogue: Catalogue, node: exp.Expr) -> bool:
    """Whether the SELECT has at most one row, for all that its text and the keys of its table say."""
    limit = node.args.get("limit")
    if isinstance(limit, exp.Limit) and limit.expression.name == "1":
        return True
    if not isinstance(node, exp.Select):
        return False
    if not node.args.get("from_") or (_aggregates(node) and not node.args.get("group")):
        return True
    source = node.args["from_"].this
    if node.args.get("joins") or not isinstance(source, exp.Table):
        return False
    bound = set(_bound(node, source.alias_or_name))
    return any(key <= bound for key in catalogue.keys.get(source.name, ()))


def _aggregates(node: exp.Expr) -> bool:
    """Whether an aggregate of this SELECT, not of one inside it and not over a window, makes a column."""
    found = (function for column in node.expressions for function in column.find_all(exp.AggFunc))
    return any(function.find_ancestor(exp.Window, exp.Select) is node for function in found)


def _bound(node: exp.Expr, alias: str) -> Iterator[str]:
    """The columns that the WHERE clause sets equal to something outside the source."""
    where = node.args.get("where")
    terms = where.this.flatten() if where and isinstance(where.this, exp.And) else [where.this] if where else []
    for term in terms:
        if isinstance(term, exp.EQ):
            for one, other in ((term.this, term.expression), (term.expression, term.this)):
                if _is_own(one, alias) and not any(_is_own(c, alias) for c in other.find_all(exp.Column)):
                    yield one.name


def _is_own(node: exp.Expr, alias: str) -> bool:
    return isinstance(node, exp.Column) and node.text("table") in ("", alias)
