"""DDL: tables, indexes and their changes. Schema objects on SQLite use only functions of a bare sqlite3."""

from __future__ import annotations

from sqlglot import exp

from aiconsql.engine.dialect.rules import constraints
from aiconsql.engine.dialect.rules.types import short_name
from aiconsql.engine.dialect.rules.walk import Catalogue, Column, Walk, only, refuse

VARIANT = "write NNNN.words.sqlite.sql beside the file"
_LITE = {
    "text": "TEXT", "json": "TEXT", "jsonb": "TEXT", "timestamptz": "TEXT", "bytea": "BLOB", "double precision": "REAL",
    "boolean": "INTEGER", "smallint": "INTEGER", "integer": "INTEGER", "bigint": "INTEGER",
}  # fmt: skip
_INDEX = frozenset("this kind unique exists".split())


def carry_ddl(tree: exp.Expr) -> list[str]:
    """The SQLite statements of one statement of a migration; none for what SQLite does not need."""
    if isinstance(tree, exp.Comment):
        return []
    if isinstance(tree, exp.Create) and tree.args["kind"] == "TABLE":
        return [_table(tree)]
    if isinstance(tree, exp.Create) and tree.args["kind"] == "INDEX":
        return [_index(tree)]
    if isinstance(tree, exp.Alter):
        return _alter(tree)
    if isinstance(tree, exp.Drop) and tree.args["kind"] in ("TABLE", "INDEX"):
        only(tree, frozenset("exists tables kind".split()))
        return [lite(tree)]
    return refuse(tree, "a statement of a migration", VARIANT)


def lite(tree: exp.Expr, *, pretty: bool = True) -> str:
    """A tree as SQLite reads it."""
    from sqlglot import ErrorLevel

    return tree.sql(
        dialect="sqlite", pretty=pretty, normalize_functions=False, comments=False, unsupported_level=ErrorLevel.RAISE
    )


def _walk(table: str, columns: dict[str, Column]) -> Walk:
    walk = Walk(Catalogue({}), {})
    walk.scope.sources[table] = columns
    return walk


def _table(tree: exp.Expr) -> str:
    only(tree, frozenset("this kind exists".split()))
    schema = tree.this
    definitions = [d for d in schema.expressions if isinstance(d, exp.ColumnDef)]
    columns = {d.name: Column(short_name(d.args["kind"])) for d in definitions}
    walk = _walk(schema.this.name, columns)
    for definition in definitions:
        _column(walk, definition)
    for constraint in schema.expressions:
        if not isinstance(constraint, exp.ColumnDef):
            constraints.of_table(walk, constraint)
    return lite(tree) + " STRICT"


def _column(walk: Walk, definition: exp.Expr) -> None:
    type_ = short_name(definition.args["kind"])
    only(definition, frozenset("this kind constraints exists".split()))
    if type_ not in _LITE:
        refuse(definition, "type", "an array is rows of a table of its own, or json")
    definition.set("exists", None)  # migrations run once, and SQLite has no IF NOT EXISTS here
    if type_ == "text" and not any(
        isinstance(c.kind, exp.CollateColumnConstraint) for c in definition.args["constraints"]
    ):
        refuse(definition, "text of the database's locale", 'write text COLLATE "C"')
    kept = [c for c in definition.args["constraints"] if constraints.of_column(walk, definition, c, type_)]
    kept += constraints.of_type(definition.this, type_)
    definition.set("constraints", kept)
    definition.set("kind", exp.DataType.build(_LITE[type_], dialect="sqlite"))


def _index(tree: exp.Expr) -> str:
    only(tree, _INDEX)
    index = tree.this
    only(index, frozenset("this table params".split()))
    only(index.args["params"], frozenset("columns where include using".split()))
    if index.args["params"].args.get("using") and index.args["params"].args["using"].name.lower() != "btree":
        refuse(tree, "an index of another kind than btree", VARIANT)
    index.args["params"].set("using", None)
    index.args["params"].set("include", None)
    for term in index.args["params"].args["columns"]:
        _index_term(term)
    if index.args["params"].args.get("where"):
        constraints.bare(index.args["params"].args["where"].this)
    return lite(tree)


def _index_term(term: exp.Expr) -> None:
    if not isinstance(term, exp.Ordered):
        refuse(term, "an operator class in an index")
    constraints.bare(term.this)
    term.set("nulls_first", not term.args.get("desc"))  # SQLite's own order, which needs no words


def _alter(tree: exp.Expr) -> list[str]:
    only(tree, frozenset("this kind actions".split()))
    return [_action(tree, action) for action in tree.args["actions"]]


def _action(tree: exp.Expr, action: exp.Expr) -> str:
    if isinstance(action, exp.ColumnDef):
        column = Column(short_name(action.args["kind"]))
        _column(_walk(tree.this.name, {action.name: column}), action)
    elif not isinstance(action, (exp.RenameColumn, exp.AlterRename)) and not (
        isinstance(action, exp.Drop) and action.args["kind"] == "COLUMN"
    ):
        refuse(tree, "a change of a table", VARIANT)
    single = tree.copy()
    single.set("actions", [action.copy()])
    return lite(single)
