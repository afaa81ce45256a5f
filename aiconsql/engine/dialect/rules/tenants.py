"""The gate of tenants: a statement on a table with tenant_id says which tenant's rows it means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from aiconsql.engine.dialect.rules.walk import NotCarried

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiconsql.engine.dialect.rules.walk import Catalogue

_STATEMENTS = (exp.Select, exp.Update, exp.Delete)
_HINT = (
    "compare tenant_id with current_tenant() for every table, or mark a query of the owner with a line `-- owner: why`"
)


def require_tenants(tree: exp.Expr, catalogue: Catalogue) -> None:
    """Every table with a tenant_id is bound to the tenant of the unit, and every INSERT lists it.

    Raises:
        NotCarried: one is not.
    """
    ctes = {cte.alias for cte in tree.find_all(exp.CTE)}
    tables = {name for name, columns in catalogue.tables.items() if "tenant_id" in columns} - ctes
    for insert in tree.find_all(exp.Insert):
        _inserted(insert, tables)
    _bound(tree, tables, frozenset())


def _inserted(insert: exp.Insert, tables: set[str]) -> None:
    target = insert.this.this if isinstance(insert.this, exp.Schema) else insert.this
    listed = {name.name for name in insert.this.expressions} if isinstance(insert.this, exp.Schema) else set()
    if target.name in tables and "tenant_id" not in listed:
        raise NotCarried(f"INSERT INTO {target.name} without tenant_id", _HINT)


def _bound(node: exp.Expr, tables: set[str], outside: frozenset[str]) -> None:
    bound = outside
    if isinstance(node, _STATEMENTS):
        bound = outside | _own(node, tables, outside)
    for inner in _inside(node):
        _bound(inner, tables, bound)


def _own(node: exp.Expr, tables: set[str], outside: frozenset[str]) -> frozenset[str]:
    """The aliases of this statement's tables, all of which must be bound."""
    aliases = {source.alias_or_name: source.name for source in _sources(node) if source.name in tables}
    pairs = list(_pairs(node, next(iter(aliases), "") if len(aliases) == 1 else ""))
    bound = set(outside - aliases.keys()) | {a for a, b in pairs if b == ""}
    while more := {a for a, b in pairs if b in bound and a not in bound}:
        bound |= more
    for alias, name in aliases.items():
        if alias not in bound:
            raise NotCarried(f"{name} AS {alias} without tenant_id", _HINT)
    return frozenset(bound)


def _sources(node: exp.Expr) -> Iterator[exp.Table]:
    if isinstance(node, (exp.Update, exp.Delete)):
        yield node.this
    found = [node.args["from_"].this] if node.args.get("from_") else []
    found += [join.this for join in node.args.get("joins") or ()]
    yield from (source for source in found if isinstance(source, exp.Table))


def _pairs(node: exp.Expr, single: str) -> Iterator[tuple[str, str]]:
    """(a, "") for a.tenant_id = current_tenant(), and (a, b), (b, a) for a.tenant_id = b.tenant_id."""
    conditions = [node.args["where"].this] if node.args.get("where") else []
    conditions += [join.args["on"] for join in node.args.get("joins") or () if join.args.get("on")]
    for condition in conditions:
        for term in condition.flatten() if isinstance(condition, exp.And) else [condition]:
            sides = [_side(s, single) for s in (term.this, term.expression)] if isinstance(term, exp.EQ) else []
            if len(sides) == 2 and None not in sides:
                a, b = (s or "" for s in sides)
                yield from ((a, b), (b, a))


def _side(node: exp.Expr, single: str) -> str | None:
    """The alias whose tenant_id this is, "" for the tenant of the unit, None for anything else."""
    if isinstance(node, exp.Anonymous) and node.name.lower() == "current_tenant":
        return ""
    if isinstance(node, exp.Column) and node.name == "tenant_id":
        return node.text("table") or single
    return None


def _inside(node: exp.Expr) -> Iterator[exp.Expr]:
    """The statements directly inside this one."""
    for child in node.iter_expressions():
        if isinstance(child, _STATEMENTS):
            yield child
        else:
            yield from _inside(child)
