"""Defaults, checks and keys of tables, in words that a bare sqlite3 understands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from aiconsql.engine.dialect.rules.types import literal
from aiconsql.engine.dialect.rules.values import condition
from aiconsql.engine.dialect.rules.walk import call, only, refuse

if TYPE_CHECKING:
    from aiconsql.engine.dialect.rules.walk import Walk

_BARE = frozenset(("abs", "coalesce", "instr", "length", "lower", "nullif", "replace", "substr", "upper"))
_CLOCKS = ("clock_timestamp", "aiconsql_now")
_KEPT = (exp.NotNullColumnConstraint, exp.PrimaryKeyColumnConstraint)
# The greatest finite double precision.
_FINITE = "{0} BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308"
_CHECKS = {
    "boolean": "{0} IN (0, 1)",
    "json": "{0} IS NULL OR json_valid({0})",
    "jsonb": "{0} IS NULL OR json_valid({0})",
    "smallint": "{0} BETWEEN -32768 AND 32767",
    "integer": "{0} BETWEEN -2147483648 AND 2147483647",
    "double precision": _FINITE,
    "timestamptz": "length({0}) = 32",
}


def of_type(name: exp.Expr, type_: str) -> list[exp.ColumnConstraint]:
    """What PostgreSQL's type refuses and SQLite's would take."""
    if type_ not in _CHECKS:
        return []
    from sqlglot import parse_one

    check = parse_one(_CHECKS[type_].format(name.sql(dialect="sqlite")), read="sqlite")
    return [exp.ColumnConstraint(kind=exp.CheckColumnConstraint(this=check))]


def of_column(walk: Walk, definition: exp.Expr, constraint: exp.Expr, type_: str) -> bool:
    """Carry one constraint of a column; false when it falls away."""
    kind = constraint.args["kind"]
    if isinstance(kind, exp.CollateColumnConstraint):
        if kind.this.name != "C":
            refuse(definition, "a collation", 'write COLLATE "C"')
        return False
    if isinstance(kind, exp.DefaultColumnConstraint):
        kind.set("this", _default(kind.this, type_))
    elif isinstance(kind, exp.CheckColumnConstraint):
        _check(walk, kind)
    elif isinstance(kind, exp.GeneratedAsIdentityColumnConstraint):
        return _identity(definition, constraint)
    elif isinstance(kind, exp.Reference):
        _reference(kind)
    elif isinstance(kind, exp.UniqueColumnConstraint):
        _unique(kind)
    elif not isinstance(kind, _KEPT):
        refuse(constraint, "a constraint", "write NNNN.words.sqlite.sql beside the file")
    return True


def of_table(walk: Walk, constraint: exp.Expr) -> None:
    """Carry a constraint that stands beside the columns."""
    if isinstance(constraint, exp.Constraint):
        for inner in constraint.expressions:
            of_table(walk, inner)
    elif isinstance(constraint, exp.CheckColumnConstraint):
        _check(walk, constraint)
    elif isinstance(constraint, exp.PrimaryKey):
        constraint.set("include", None)
    elif isinstance(constraint, exp.UniqueColumnConstraint):
        _unique(constraint)
    elif isinstance(constraint, exp.ForeignKey):
        only(constraint, frozenset(("expressions", "reference")))
        _reference(constraint.args["reference"])
    else:
        refuse(constraint, "a constraint", "write NNNN.words.sqlite.sql beside the file")


def _default(node: exp.Expr, type_: str) -> exp.Expr:
    if isinstance(node, exp.Cast):
        node = node.this
    if isinstance(node, exp.Literal) and node.args["is_string"]:
        value = literal(node, type_)
        return exp.paren(value) if isinstance(value, exp.Neg) else value
    if isinstance(node, (exp.Literal, exp.Boolean, exp.Null, exp.Neg)):
        return node.copy()
    name = node.name.lower() if isinstance(node, exp.Anonymous) else ""
    if name == "current_tenant":
        return exp.Literal.string("default")
    if name in _CLOCKS or isinstance(node, exp.CurrentTimestamp):
        form = exp.Literal.string("%Y-%m-%dT%H:%M:%f000+00:00")
        return exp.paren(call("strftime", form, exp.Literal.string("now")))
    return refuse(node, "a default", "a literal, current_tenant() or clock_timestamp()")


def _check(walk: Walk, check: exp.Expr) -> None:
    check.set("enforced", None)
    condition(walk, check.this)
    bare(check.this)


def bare(node: exp.Expr) -> None:
    """Refuse functions that a bare sqlite3 does not have: other tools write to the file too."""
    for found in node.find_all(exp.Func, exp.JSONExtract, exp.JSONExtractScalar):
        name = found.name.lower() if isinstance(found, exp.Anonymous) else found.sql_name().lower()
        operator = isinstance(found, (exp.And, exp.Or, exp.Case, exp.Cast, exp.If))
        if name not in _BARE and not operator:
            refuse(found, "a function that a bare sqlite3 does not have", "check it in the code, or store a column")


def _identity(definition: exp.Expr, constraint: exp.Expr) -> bool:
    if not any(isinstance(c.kind, exp.PrimaryKeyColumnConstraint) for c in definition.args["constraints"]):
        refuse(definition, "an identity that is not the primary key", "write NNNN.words.sqlite.sql beside the file")
    # SQLite wants AUTOINCREMENT behind PRIMARY KEY: it is put there by the key's own place in the list.
    constraint.replace(exp.ColumnConstraint(kind=exp.AutoIncrementColumnConstraint()))
    return True


def _reference(reference: exp.Expr) -> None:
    for option in reference.args.get("options") or ():
        if str(option).upper() not in (
            "ON DELETE CASCADE",
            "ON DELETE RESTRICT",
            "ON UPDATE CASCADE",
            "ON UPDATE RESTRICT",
        ):
            refuse(reference, f"a foreign key with {option}", "cascade or restrict")


def _unique(unique: exp.Expr) -> None:
    if unique.args.get("nulls"):
        refuse(unique, "NULLS NOT DISTINCT")
    unique.set("include", None)
