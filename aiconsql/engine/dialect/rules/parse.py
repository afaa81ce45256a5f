"""Reading one statement of PostgreSQL with sqlglot; what it takes for a bare command is refused."""

from __future__ import annotations

import logging
import re
from itertools import pairwise
from typing import TYPE_CHECKING

import sqlglot
from sqlglot import TokenType, exp
from sqlglot.errors import SqlglotError

from aiconsql.engine.dialect.rules.walk import NotCarried, refuse

if TYPE_CHECKING:
    from sqlglot import Token

_ENDS = (TokenType.WHERE, TokenType.RETURNING)


def parse(sql: str) -> exp.Expr:
    """The tree of one statement.

    Raises:
        NotCarried: it cannot be read, or is several statements.
    """
    _check_intervals(sql)
    text, sources = _without_sources(sql)
    tree = _tree(text)
    if sources and isinstance(tree, exp.Update):
        select = _tree(f"SELECT 1 FROM {sources}")  # noqa: S608 - it is parsed, never run
        tree.set("from_", select.args["from_"].copy())
        tree.set("joins", [join.copy() for join in select.args.get("joins") or ()])
    return tree


def _check_intervals(sql: str) -> None:
    """sqlglot reads '3 hours ago' as '3 hours'."""
    for before, token in pairwise(sqlglot.tokenize(sql, read="postgres")):
        literal = before.token_type is TokenType.INTERVAL and token.token_type is TokenType.STRING
        if literal and not re.fullmatch(r"[+-]?\d+(\.\d+)?( *[a-z]+)?", token.text):
            raise NotCarried(f"an interval: {token.text}", "write one number and one unit")


def _tree(sql: str) -> exp.Expr:
    # sqlglot warns of what it takes for a command; here that is an error.
    logger = logging.getLogger("sqlglot")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        trees = [tree for tree in sqlglot.parse(sql, read="postgres") if tree is not None]
    except SqlglotError as error:
        raise NotCarried(f"not readable: {' '.join(str(error).split())[:200]}") from error
    finally:
        logger.setLevel(level)
    if len(trees) != 1:
        raise NotCarried("several statements", "one statement for each query; an override may have several")
    if isinstance(trees[0], exp.Command):
        refuse(trees[0], "a command")
    return trees[0]


def _without_sources(sql: str) -> tuple[str, str]:
    """An UPDATE without its FROM clause, and that clause: sqlglot does not read all that may stand there."""
    tokens = sqlglot.tokenize(sql, read="postgres")
    if not tokens or tokens[0].token_type is not TokenType.UPDATE:
        return sql, ""
    start = end = None
    depth = 0
    for before, token in pairwise(tokens):
        depth += _depth(token)
        if depth == 0 and start is None and _is_from(before, token):
            start = token
        if depth == 0 and start is not None and token.token_type in _ENDS:
            end = token
            break
    if start is None:
        return sql, ""
    stop = end.start if end else len(sql)
    return f"{sql[: start.start]} {sql[stop:]}", sql[start.end + 1 : stop].rstrip().rstrip(";")


def _depth(token: Token) -> int:
    return {TokenType.L_PAREN: 1, TokenType.R_PAREN: -1}.get(token.token_type, 0)


def _is_from(before: Token, token: Token) -> bool:
    return token.token_type is TokenType.FROM and before.token_type is not TokenType.DISTINCT
