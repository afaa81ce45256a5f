"""The walk over a statement: which rule carries which node, what type it has, and which columns are in sight."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

from sqlglot import exp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence


class NotCarried(Exception):
    """No rule carries `construct` over; `hint` says what to write instead. The caller adds file, query and line."""

    def __init__(self, construct: str, hint: str | None = None) -> None:
        super().__init__(construct)
        self.construct, self.hint = construct, hint


@dataclass(frozen=True, slots=True)
class Column:
    """A column's type as a short name, whether it may be NULL, and whether its text is ordered by bytes."""

    type: str
    nullable: bool = True
    bytewise: bool = True


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The columns of every table of a schema: table -> column -> Column; and its keys: table -> sets of columns."""

    tables: Mapping[str, Mapping[str, Column]]
    keys: Mapping[str, Sequence[frozenset[str]]] = field(default_factory=dict)

    @classmethod
    def of(cls, tables: Mapping[str, Mapping[str, str]]) -> Catalogue:
        """A catalogue of short type names alone: every column may be NULL."""
        return cls({name: {c: Column(short) for c, short in columns.items()} for name, columns in tables.items()})


@dataclass(frozen=True, slots=True)
class Typed:
    """A node that stands in the tree already rewritten, and what PostgreSQL would say about its value.

    `bytewise`: its text is ordered by bytes (COLLATE "C"), as SQLite orders it.
    """

    node: exp.Expr
    type: str
    bytewise: bool = False
    nullable: bool = True


@dataclass(slots=True)
class Scope:
    """The sources of one SELECT, UPDATE, INSERT or DELETE; `outer` is the statement it stands in."""

    outer: Scope | None = None
    sources: dict[str, Mapping[str, Column]] = field(default_factory=dict)
    outputs: dict[str, Column] = field(default_factory=dict)  # what ORDER BY and GROUP BY may also name

    def outwards(self) -> Iterator[Scope]:
        """The scope itself and those around it."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.outer

    def find(self, table: str, name: str) -> Column | None:
        """The column that `table.name` or a bare `name` means here, or None."""
        for scope in self.outwards():
            if table and table in scope.sources:
                return scope.sources[table].get(name)
            found = [source[name] for source in scope.sources.values() if name in source]
            if found and not table:
                return found[0]
            if name in scope.outputs and not table:
                return scope.outputs[name]
        return None


Rule = "Callable[[Walk, exp.Expr], Typed]"
_RULES: dict[type[exp.Expr], tuple[Callable[[Walk, exp.Expr], Typed], frozenset[str]]] = {}


def rule(
    *types: type[exp.Expr], args: str = "this expression"
) -> Callable[[Callable[[Walk, exp.Expr], Typed]], Callable[[Walk, exp.Expr], Typed]]:
    """Register a function as the rule of these node types. A node that carries anything beside `args` is refused."""

    def register(function: Callable[[Walk, exp.Expr], Typed]) -> Callable[[Walk, exp.Expr], Typed]:
        for type_ in types:
            _RULES[type_] = function, frozenset(args.split())
        return function

    return register


@dataclass(slots=True)
class Walk:
    """One statement on its way: the catalogue, the parameters' types, the scope and the CTEs in sight."""

    catalogue: Catalogue
    params: dict[str, str]
    scope: Scope = field(default_factory=Scope)
    ctes: dict[str, Mapping[str, Column]] = field(default_factory=dict)
    each: dict[str, str] = field(default_factory=dict)

    def carry(self, node: exp.Expr) -> Typed:
        """Rewrite `node` where it stands, children first; refuse it when no rule names it."""
        found = _RULES.get(type(node))
        if found is None:
            refuse(node)
        function, args = found
        only(node, args)
        return function(self, node)

    def carry_all(self, nodes: list[exp.Expr]) -> list[Typed]:
        """`carry` for each of `nodes`."""
        return [self.carry(node) for node in list(nodes)]

    def inner(self) -> Walk:
        """A walk for a statement inside this one."""
        return Walk(self.catalogue, self.params, Scope(self.scope), dict(self.ctes), self.each)


def only(node: exp.Expr, args: frozenset[str]) -> None:
    """Refuse `node` when it carries something beside `args`: a clause that no rule looked at."""
    for name, value in node.args.items():
        if value and name not in args:
            refuse(node, f"{type(node).__name__} with {name.strip('_')}")


def refuse(node: exp.Expr, construct: str | None = None, hint: str | None = None) -> NoReturn:
    """No rule carries `node`.

    Raises:
        NotCarried: always.
    """
    text = " ".join(node.sql(dialect="postgres", comments=False).split())
    shown = text if len(text) <= 80 else text[:77] + "..."
    raise NotCarried(f"{construct}: {shown}" if construct else shown, hint)


def swap(old: exp.Expr, new: exp.Expr) -> exp.Expr:
    """Put `new` where `old` stands, and return it."""
    if old is not new and old.parent is not None:
        old.replace(new)
    return new


def call(name: str, *arguments: exp.Expr) -> exp.Anonymous:
    """A call of a function by name. An argument that stands in the tree is copied."""
    return exp.Anonymous(this=name, expressions=[a.copy() for a in arguments])
