"""
From PostgreSQL's SQL, as people write it in sql/ and migrations/, to what each database runs.

PostgreSQL gets the author's text with `$1` for `:name`. SQLite gets what the rules carry over; the rest is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from aiconsql.engine.dialect.rules.walk import Catalogue, Column, NotCarried
from aiconsql.errors import Untranslatable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlglot import Token

__all__ = [
    "Catalogue",
    "Column",
    "LiteStatement",
    "all_refusals",
    "carry_query",
    "check_tenants",
    "migration_to_sqlite",
    "parameter_names",
    "postgres_text",
    "query_to_sqlite",
    "statements",
]


@dataclass(frozen=True, slots=True)
class LiteStatement:
    """One statement for SQLite.

    `params` are the names it binds. With `each`, such as {"u_name": "names"}, it runs once for each element of the
    array parameters that are the values there, which have equal lengths, and binds the element by the key.
    """

    sql: str
    params: list[str]
    each: dict[str, str] = field(default_factory=dict)


def query_to_sqlite(
    sql: str, *, file: str, query: str, line: int, types: Catalogue, params: Mapping[str, str]
) -> list[LiteStatement]:
    """What SQLite runs for one query. `params` are the types of its parameters, as far as they are known.

    Raises:
        Untranslatable: no rule carries a part of it over.
    """
    return carry_query(sql, file=file, query=query, line=line, types=types, params=params)[0]


def carry_query(
    sql: str, *, file: str, query: str, line: int, types: Catalogue, params: Mapping[str, str]
) -> tuple[list[LiteStatement], list[tuple[str, str]]]:
    """As `query_to_sqlite`, with the names and types of the columns as the rules derive them.

    Raises:
        Untranslatable: no rule carries a part of it over.
    """
    from aiconsql.engine.dialect.rules import parse, schema, statements as rules
    from aiconsql.engine.dialect.rules.walk import Walk

    walk = Walk(types, dict(params))
    try:
        tree = parse.parse(sql)
        columns = rules.carry_statement(walk, tree)
        text = schema.lite(tree, pretty=False)
    except NotCarried as refused:
        raise _refusal(refused, file, query, line) from refused
    # A quoted literal of no type is text in a result.
    named = [(name, "text" if column.type == "unknown" else column.type) for name, column in columns]
    return [LiteStatement(text, parameter_names(text), dict(walk.each))], named


def check_tenants(sql: str, *, file: str, query: str, line: int, types: Catalogue) -> None:
    """A statement on tables with tenant_id names the tenant for each of them.

    Raises:
        Untranslatable: one is not named.
    """
    from aiconsql.engine.dialect.rules import parse
    from aiconsql.engine.dialect.rules.tenants import require_tenants

    try:
        require_tenants(parse.parse(sql), types)
    except NotCarried as refused:
        raise _refusal(refused, file, query, line) from refused


def migration_to_sqlite(text: str, *, file: str) -> str:
    """What SQLite runs for a migration file.

    Raises:
        Untranslatable: statements that no rule carries over; all of them in one error.
    """
    from aiconsql.engine.dialect.rules import parse, schema

    done: list[str] = []
    refused: list[Untranslatable] = []
    for statement, line in statements(text):
        if _storage(statement):
            continue
        try:
            done += schema.carry_ddl(parse.parse(statement))
        except NotCarried as error:
            refused.append(_refusal(error, file, "", line, hint=schema.VARIANT))
    if refused:
        raise all_refusals(refused)
    return "".join(f"{statement};\n" for statement in done)


def all_refusals(refused: Sequence[Untranslatable]) -> Untranslatable:
    """One error for several: the first one's place, and a message that names them all."""
    if len(refused) == 1:
        return refused[0]
    first = refused[0]
    message = f"{len(refused)} places cannot be carried to SQLite:\n  " + "\n  ".join(map(str, refused))
    return Untranslatable(
        message, file=first.file, query=first.query, line=first.line, construct=first.construct, hint=first.hint
    )


def postgres_text(sql: str) -> tuple[str, list[str]]:
    """The author's text with `$1`, `$2` … for `:name`, and the names in that order; strings and comments stay."""
    parts: list[str] = []
    names: list[str] = []
    at = 0
    for colon, name in _parameters(sql):
        if name.text not in names:
            names.append(name.text)
        parts += [sql[at : colon.start], f"${names.index(name.text) + 1}"]
        at = name.end + 1
    return "".join([*parts, sql[at:]]), names


def statements(sql: str) -> Iterator[tuple[str, int]]:
    """The statements of a text, each with the line it begins on; divided by tokens, so that strings and $$ are safe."""
    from sqlglot import TokenType

    begin: Token | None = None
    end: Token | None = None
    for token in _tokens(sql):
        if token.token_type is TokenType.SEMICOLON:
            if begin is not None and end is not None:
                yield sql[begin.start : end.end + 1], begin.line
            begin = None
        else:
            begin, end = begin or token, token
    if begin is not None and end is not None:
        yield sql[begin.start : end.end + 1], begin.line


def _tokens(sql: str, dialect: str = "postgres") -> list[Token]:
    import sqlglot

    return sqlglot.tokenize(sql, read=dialect)


def _parameters(sql: str, dialect: str = "postgres") -> Iterator[tuple[Token, Token]]:
    """The colon and the name of each parameter: adjacent, and the name begins like a name."""
    from sqlglot import TokenType

    tokens = _tokens(sql, dialect)
    for colon, name in pairwise(tokens):
        adjacent = colon.token_type is TokenType.COLON and name.start == colon.end + 1
        if adjacent and (name.text[:1].isalpha() or name.text[:1] == "_") and sql[name.start] == name.text[0]:
            yield colon, name


def parameter_names(sql: str) -> list[str]:
    """The parameters of a statement for SQLite, each once."""
    return list(dict.fromkeys(name.text for _colon, name in _parameters(sql, "sqlite")))


def _storage(statement: str) -> bool:
    """Whether a statement only says how PostgreSQL stores a column."""
    words = [token.text.upper() for token in _tokens(statement)]
    return words[:2] == ["ALTER", "TABLE"] and words[-3:-1] == ["SET", "STORAGE"]


def _refusal(refused: NotCarried, file: str, query: str, line: int, hint: str | None = None) -> Untranslatable:
    place = f"{file}:{line}" + (f" {query}" if query else "")
    return Untranslatable(
        f"{place}: no rule carries {refused.construct} to SQLite",
        file=file,
        query=query,
        line=line,
        construct=refused.construct,
        hint=refused.hint or hint or "write an override in sql/sqlite/",
    )
