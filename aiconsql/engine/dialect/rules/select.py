"""SELECT: common table expressions, sources, projections, set operations, order and limits."""

from __future__ import annotations

from dataclasses import replace

from sqlglot import exp

from aiconsql.engine.dialect.rules import keys
from aiconsql.engine.dialect.rules.sources import add_source
from aiconsql.engine.dialect.rules.types import UNKNOWN, coerce, common_type
from aiconsql.engine.dialect.rules.values import COLLATE_HINT, condition
from aiconsql.engine.dialect.rules.walk import Column, Typed, Walk, call, only, refuse, rule, swap

Columns = list[tuple[str, Column]]
_SELECT = frozenset(
    "with_ expressions distinct from_ joins where group having windows order limit offset locks".split()
)
_SET = frozenset("with_ this expression distinct order limit offset".split())
# Without them a per-row statement gives the same rows as one statement for all.
_WHOLE = ("distinct", "group", "having", "windows", "order", "limit", "offset", "with_")


def columns_of(walk: Walk, node: exp.Expr) -> Columns:
    """Carry a SELECT or set operation inside a scope of its own; its columns. What has no type yet becomes text."""
    return [(name, replace(c, type="text") if c.type == UNKNOWN else c) for name, c in _branch(walk, node)]


def _branch(walk: Walk, node: exp.Expr) -> Columns:
    inner = walk.inner()
    if isinstance(node, exp.SetOperation):
        return _set_operation(inner, node)
    if not isinstance(node, exp.Select):
        refuse(node, "a query that is no SELECT")
    return carry_select(inner, node)


def carry_select(walk: Walk, node: exp.Expr, wanted: list[Column] | None = None) -> Columns:
    """Carry a SELECT in the walk's own scope; its columns. `wanted` are the types that an INSERT takes."""
    only(node, _SELECT)
    node.set("locks", None)  # SQLite has one writer at a time
    add_ctes(walk, node)
    if node.args.get("from_"):
        add_source(walk, node.args["from_"].this)
    for join in list(node.args.get("joins") or ()):
        add_join(walk, join)
    if node.args.get("where"):
        condition(walk, node.args["where"].this)
    _windows(walk, node)
    columns = _projections(walk, node, wanted)
    _distinct(node, columns)
    walk.scope.outputs.update(columns)
    _group(walk, node)
    order_and_limit(walk, node)
    return columns


def add_ctes(walk: Walk, node: exp.Expr) -> None:
    """Carry the WITH clause of a statement and bring its tables in sight."""
    clause = node.args.get("with_")
    if clause is None:
        return
    only(clause, frozenset(("expressions", "recursive")))
    for cte in clause.expressions:
        only(cte, frozenset(("this", "alias", "materialized")))
        names = [c.name for c in cte.args["alias"].args.get("columns") or ()]
        if isinstance(cte.this, (exp.Insert, exp.Update, exp.Delete)):
            refuse(cte, "a CTE that changes data", "write two queries and run them in one batch")
        if clause.args.get("recursive") and isinstance(cte.this, exp.SetOperation) and names:
            # The first branch has the types, and the other may refer to it.
            first = columns_of(walk, cte.this.this.copy())
            walk.ctes[cte.alias] = dict(zip(names, (c for _name, c in first), strict=True))
        columns = columns_of(walk, cte.this)
        walk.ctes[cte.alias] = dict(zip(names or [n for n, _c in columns], (c for _n, c in columns), strict=True))


def add_join(walk: Walk, join: exp.Expr) -> None:
    """Bring a joined source into scope and carry its condition."""
    only(join, frozenset("this on side kind using".split()))
    side = join.args.get("side") or ""
    if side not in ("", "LEFT") or (join.args.get("kind") or "") not in ("", "INNER", "CROSS", "OUTER"):
        refuse(join, f"{side} {join.args.get('kind') or ''} JOIN".replace("  ", " "), "turn it into a LEFT JOIN")
    add_source(walk, join.this, optional=side == "LEFT")
    if join.args.get("on"):
        condition(walk, join.args["on"])


def _windows(walk: Walk, node: exp.Expr) -> None:
    from aiconsql.engine.dialect.rules.calls import window_parts

    for window in node.args.get("windows") or ():
        window_parts(walk, window)


def _projections(walk: Walk, node: exp.Expr, wanted: list[Column] | None) -> Columns:
    if not node.expressions:
        if not isinstance(node.parent, exp.Exists):
            refuse(node, "a SELECT without columns")
        node.set("expressions", [exp.Literal.number(1)])
    columns: Columns = []
    for place, projection in enumerate(list(node.expressions)):
        value = walk.carry(projection.this if isinstance(projection, exp.Alias) else projection)
        if wanted and place < len(wanted):
            value = assigned(walk, value, wanted[place])
        elif value.type == UNKNOWN and isinstance(value.node, exp.Placeholder):
            refuse(value.node, "a parameter without a type", "cast it")
        name = projection.alias if isinstance(projection, exp.Alias) else _name(projection)
        columns.append((name, Column(value.type, value.nullable, value.bytewise)))
    return columns


def _name(node: exp.Expr) -> str:
    if isinstance(node, exp.Cast):
        return _name(node.this)
    return node.name if isinstance(node, (exp.Column, exp.Anonymous)) else node.key


def assigned(walk: Walk, value: Typed, column: Column) -> Typed:
    """`value` as PostgreSQL stores it in `column`: it also narrows integers, and the column checks their range."""
    if value.type == column.type or (value.type, column.type) == ("json", "jsonb"):
        return value
    return coerce(walk, value, column.type)


def _distinct(node: exp.Expr, columns: Columns) -> None:
    distinct = node.args.get("distinct")
    if distinct is None:
        return
    if distinct.args.get("on"):
        refuse(distinct, "DISTINCT ON", "number the rows with row_number() and keep the first")
    _distinguishable(node, columns)


def _distinguishable(node: exp.Expr, columns: Columns) -> None:
    for name, column in columns:
        if column.type == "jsonb":
            refuse(node, f"distinct rows with jsonb ({name})", "leave the column out")


def _group(walk: Walk, node: exp.Expr) -> None:
    group = node.args.get("group")
    if group is not None:
        only(group, frozenset(("expressions",)))
        for key in list(group.expressions):
            if walk.carry(key).type in ("json", "jsonb"):
                refuse(key, "GROUP BY json")
    if node.args.get("having"):
        condition(walk, node.args["having"].this)


def order_and_limit(walk: Walk, node: exp.Expr) -> None:
    """Carry ORDER BY, LIMIT and OFFSET of a SELECT or set operation."""
    if node.args.get("order"):
        ordering(walk, node.args["order"])
    for name in ("limit", "offset"):
        clause = node.args.get(name)
        if clause is None:
            continue
        only(clause, frozenset(("expression",)))
        value = coerce(walk, walk.carry(clause.expression), "bigint")
        if not isinstance(value.node, exp.Literal):
            # A negative number is an error on PostgreSQL and no limit on SQLite; NULL the other way round.
            swap(value.node, call("row_" + name, value.node))


def ordering(walk: Walk, order: exp.Expr) -> None:
    """Carry an ORDER BY; a NULLS clause is left only where there may be NULLs, for it would cost SQLite the index."""
    for term in order.expressions:
        if not isinstance(term, exp.Ordered):
            refuse(term)
        only(term, frozenset(("this", "desc", "nulls_first")))
        value = _ordered_value(walk, term.this)
        if value.type == "text" and not value.bytewise:
            refuse(term, "an order of text", COLLATE_HINT)
        if value.type in ("json", "jsonb"):
            refuse(term, f"an order of {value.type}")
        if not value.nullable:
            term.set("nulls_first", not term.args.get("desc"))


def _ordered_value(walk: Walk, node: exp.Expr) -> Typed:
    if isinstance(node, exp.Column) and not node.text("table") and node.name in walk.scope.outputs:
        output = walk.scope.outputs[node.name]  # a result's name comes before a column's
        return Typed(node, output.type, output.bytewise, output.nullable)
    if not (isinstance(node, exp.Literal) and node.name.isdigit()):
        return walk.carry(node)
    places = list(walk.scope.outputs.values())
    place = int(node.name) - 1
    if not 0 <= place < len(places):
        refuse(node, "an order by a column that is not there")
    return Typed(node, places[place].type, places[place].bytewise, places[place].nullable)


def _set_operation(walk: Walk, node: exp.Expr) -> Columns:
    only(node, _SET)
    add_ctes(walk, node)
    if isinstance(node.expression, exp.SetOperation) or any(
        isinstance(side, exp.SetOperation) and type(side) is not type(node) for side in (node.this, node.expression)
    ):
        refuse(node, "set operations of several kinds", "put one of them into a CTE")
    if not isinstance(node, exp.Union) and not node.args.get("distinct"):
        refuse(node, f"{node.key.upper()} ALL")
    for side in (node.this, node.expression):
        if isinstance(side, exp.Subquery):
            refuse(side, "parentheses in a set operation", "put the branch into FROM (…) AS name")
    left, right = _branch(walk, node.this), _branch(walk, node.expression)
    if len(left) != len(right):
        refuse(node, "branches with different numbers of columns")
    columns = [(name, _merged(node, a, b)) for (name, a), (_name, b) in zip(left, right, strict=True)]
    if node.args.get("distinct"):
        _distinguishable(node, columns)
    walk.scope.outputs.update(columns)
    order_and_limit(walk, node)
    return columns


def _merged(node: exp.Expr, a: Column, b: Column) -> Column:
    type_ = common_type([Typed(node, a.type), Typed(node, b.type)])
    type_ = "text" if type_ == UNKNOWN else type_  # pair by pair, as PostgreSQL does
    for column in (a, b):
        if column.type == UNKNOWN and type_ not in ("text", "bytea", "json", "jsonb") and not column.nullable:
            refuse(node, f"a literal of no type beside {type_}", "cast it")
        if column.type != type_ and type_ == "double precision" and column.type != UNKNOWN:
            refuse(node, f"{column.type} beside {type_}", "cast it")
    return Column(type_, a.nullable or b.nullable, a.bytewise or b.bytewise)


@rule(exp.Subquery)
def scalar(walk: Walk, node: exp.Expr) -> Typed:
    if not keys.is_one_row(walk.catalogue, node.this):
        # An error on PostgreSQL; SQLite would take any of them.
        refuse(node, "a subselect that may have several rows", "bind a whole key, or write an aggregate or LIMIT 1")
    columns = columns_of(walk, node.this)
    if len(columns) != 1:
        refuse(node, "a subselect with several columns")
    return Typed(node, columns[0][1].type, columns[0][1].bytewise)


@rule(exp.Exists)
def exists(walk: Walk, node: exp.Expr) -> Typed:
    columns_of(walk, node.this)
    return Typed(node, "boolean", nullable=False)


def is_plain(node: exp.Expr) -> bool:
    """Whether the rows of a SELECT over several elements are the rows of the same SELECT over each of them."""
    return not any(node.args.get(name) for name in _WHOLE) and not any(
        isinstance(found, (exp.AggFunc, exp.Window)) and found.find_ancestor(exp.Select) is node
        for found in node.find_all(exp.AggFunc, exp.Window)
    )
