"""INSERT, UPDATE and DELETE: conflicts, sources, RETURNING."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from aiconsql.engine.dialect.rules import bulk
from aiconsql.engine.dialect.rules.select import (
    Columns,
    add_ctes,
    add_join,
    assigned,
    carry_select,
    columns_of,
    is_plain,
)
from aiconsql.engine.dialect.rules.sources import add_source, table
from aiconsql.engine.dialect.rules.values import condition
from aiconsql.engine.dialect.rules.walk import Column, Walk, only, refuse, swap

if TYPE_CHECKING:
    from collections.abc import Mapping

_INSERT = frozenset("this expression conflict returning with_".split())
_UPDATE = frozenset("this expressions from_ joins where returning with_".split())
_DELETE = frozenset("this where returning with_".split())


def carry_statement(walk: Walk, tree: exp.Expr) -> Columns:
    """Carry a whole statement; the columns it gives back."""
    if isinstance(tree, exp.Insert):
        return _insert(walk, tree)
    if isinstance(tree, exp.Update):
        return _update(walk, tree)
    if isinstance(tree, exp.Delete):
        return _delete(walk, tree)
    if isinstance(tree, exp.Select):
        if _needs_rows(tree):
            bulk.per_row(walk, tree)
        return carry_select(walk, tree)
    if isinstance(tree, exp.SetOperation):
        return columns_of(walk, tree)
    return refuse(tree, "a statement", "write SELECT, INSERT, UPDATE or DELETE, or an override in sql/sqlite/")


def _needs_rows(tree: exp.Select) -> bool:
    """Whether a SELECT takes its rows from arrays that JSON cannot carry together, and may run for each of them."""
    source = tree.args["from_"].this if tree.args.get("from_") else None
    if not isinstance(source, exp.Unnest):
        return False
    kinds = [e.args["to"].sql(dialect="postgres").upper() for e in source.expressions if isinstance(e, exp.Cast)]
    if len(source.expressions) == 1 and kinds and not kinds[0].startswith(("BYTEA", "JSON")):
        return False
    if not is_plain(tree):
        refuse(tree, "several arrays, or bytes, under an aggregate, an order or a limit", "order in the caller")
    return True


def _add_ctes(walk: Walk, tree: exp.Expr) -> None:
    if tree.args.get("with_") and not tree.args.get("returning"):
        # sqlite3 counts the rows of a statement only when INSERT, UPDATE or DELETE is its first word.
        refuse(tree, "WITH before a change without RETURNING", "write the CTE as a subselect")
    add_ctes(walk, tree)


def _insert(walk: Walk, tree: exp.Insert) -> Columns:
    only(tree, _INSERT)
    _add_ctes(walk, tree)
    if not isinstance(tree.this, exp.Schema):
        refuse(tree, "an INSERT without a column list", "list the columns")
    target, columns = table(walk, tree.this.this)
    wanted = [_column(tree, columns, name.name) for name in tree.this.expressions]
    _insert_source(walk, tree, wanted)
    walk.scope.sources[target] = columns
    if tree.args.get("conflict"):
        walk.scope.sources["excluded"] = columns
        _conflict(walk, tree.args["conflict"], columns)
        del walk.scope.sources["excluded"]
    return _returning(walk, tree, target)


def _column(node: exp.Expr, columns: Mapping[str, Column], name: str) -> Column:
    if name not in columns:
        refuse(node, f"a column that the table does not have ({name})")
    return columns[name]


def _insert_source(walk: Walk, tree: exp.Insert, wanted: list[Column]) -> None:
    source = tree.expression
    if isinstance(source, exp.Values):
        only(source, frozenset(("expressions",)))
        for row in source.expressions:
            if len(row.expressions) != len(wanted):
                refuse(row, "a row of another length than the column list")
            for value, column in zip(list(row.expressions), wanted, strict=True):
                _assign(walk, value, column)
    elif isinstance(source, exp.Select):
        bulk.per_row(walk, source)
        carry_select(walk.inner(), source, wanted)
        if tree.args.get("conflict") and not source.args.get("where"):
            # Without it SQLite takes ON CONFLICT for the ON of a join.
            source.where(exp.Boolean(this=True), copy=False)
    else:
        refuse(tree, "an INSERT from something else than VALUES or SELECT")


def _assign(walk: Walk, value: exp.Expr, column: Column) -> None:
    if isinstance(value, exp.Var) and value.name.upper() == "DEFAULT":
        refuse(value, "DEFAULT as a value", "leave the column out")
    assigned(walk, walk.carry(value), column)


def _conflict(walk: Walk, conflict: exp.Expr, columns: Mapping[str, Column]) -> None:
    only(conflict, frozenset("action conflict_keys expressions where index_predicate".split()))
    keys = [key.this if isinstance(key, exp.Ordered) else key for key in conflict.args.get("conflict_keys") or ()]
    if not all(isinstance(key, exp.Column) for key in keys):
        refuse(conflict, "a conflict target that is no column")
    conflict.set("conflict_keys", [key.copy() for key in keys])
    _set(walk, conflict, columns)
    for name in ("where", "index_predicate"):
        if conflict.args.get(name):
            condition(walk, conflict.args[name].this)


def _set(walk: Walk, node: exp.Expr, columns: Mapping[str, Column]) -> None:
    """The assignments of an UPDATE or DO UPDATE."""
    for assignment in node.expressions:
        if not isinstance(assignment, exp.EQ) or not isinstance(assignment.this, exp.Column):
            refuse(assignment, "an assignment of a row", "assign each column")
        _assign(walk, assignment.expression, _column(assignment, columns, assignment.this.name))


def _update(walk: Walk, tree: exp.Update) -> Columns:
    only(tree, _UPDATE)
    _add_ctes(walk, tree)
    bulk.per_row(walk, tree)
    target, columns = table(walk, tree.this)
    walk.scope.sources[target] = columns
    if tree.args.get("from_"):
        add_source(walk, tree.args["from_"].this)
    for join in list(tree.args.get("joins") or ()):
        add_join(walk, join)
    _set(walk, tree, columns)
    if tree.args.get("where"):
        condition(walk, tree.args["where"].this)
    _nest_joins(tree)
    return _returning(walk, tree, target)


def _nest_joins(tree: exp.Update) -> None:
    """Put the further sources where sqlglot prints them."""
    joins = tree.args.pop("joins", None)
    if joins and tree.args.get("from_"):
        tree.args["from_"].this.set("joins", joins)


def _delete(walk: Walk, tree: exp.Delete) -> Columns:
    if tree.args.get("using"):
        refuse(tree, "DELETE USING", "write WHERE … IN (SELECT …)")
    only(tree, _DELETE)
    _add_ctes(walk, tree)
    target, columns = table(walk, tree.this)
    walk.scope.sources[target] = columns
    if tree.args.get("where"):
        condition(walk, tree.args["where"].this)
    return _returning(walk, tree, target)


def _returning(walk: Walk, tree: exp.Expr, target: str) -> Columns:
    """SQLite sees only the target's own columns in RETURNING, without its alias."""
    clause = tree.args.get("returning")
    if clause is None:
        return []
    walk.scope.sources = {target: walk.scope.sources[target]}
    columns: Columns = []
    for projection in clause.expressions:
        name = projection.alias_or_name
        value = walk.carry(projection.this if isinstance(projection, exp.Alias) else projection)
        columns.append((name, Column(value.type, value.nullable, value.bytewise)))
        if value.type == "double precision":
            # Without it SQLite gives 2 for 2.0 here, and only here.
            real = exp.cast(value.node.copy(), "REAL", dialect="sqlite")
            swap(value.node, real if isinstance(projection, exp.Alias) else exp.alias_(real, name))
    for column in clause.find_all(exp.Column):
        if column.find_ancestor(exp.Select, exp.Returning) is clause:
            column.set("table", None)
    return columns
