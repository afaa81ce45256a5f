"""
A migration's text as single statements, by each database's own rules for where one ends.

sqlparse, with which yoyo splits, ends a nested comment at its first `*/` and joins all that follows a column named
`declare` into one statement.
"""

from __future__ import annotations

import re
import sqlite3
from typing import TYPE_CHECKING

from aiconsql.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Iterator

# The order matters: an escape string before the word `e`, a dollar quote before a lone dollar.
_TOKEN = re.compile(
    r"""
      (?P<space>   \s+ | --[^\n]* )
    | (?P<comment> /\* )
    | (?P<quoted>  [Ee]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | "(?:[^"]|"")*" | (?P<tag>\$(?:[A-Za-z_]\w*)?\$)
                   .*?(?P=tag) )
    | (?P<word>    [A-Za-z_][\w$]* )
    | (?P<open>    ['"] | \$(?:[A-Za-z_]\w*)?\$ )
    | (?P<mark>    . )
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_END = re.compile(r"/\*|\*/")


def split_postgresql(text: str) -> list[str]:
    """The statements of `text`, without the semicolons that end them and without empty ones.

    Raises: SchemaError when a quote or a comment is not closed.
    """
    statements: list[str] = []
    start = level = 0
    empty, previous = True, ""
    for kind, piece, end in _tokens(text):
        if piece == ";" and not level:
            statements += [] if empty else [text[start:end].strip().removesuffix(";").rstrip()]
            start, empty, previous = end, True, ""
        elif kind not in {"space", "comment"}:
            word = piece.upper()
            level = max(0, level + _step(word, previous, level))
            empty, previous = False, word
    return statements if empty else [*statements, text[start:].strip()]


def _step(word: str, previous: str, level: int) -> int:
    """How much deeper the statement is after `word`: in parentheses, or in a body written BEGIN ATOMIC … END."""
    if word == "(" or (word == "ATOMIC" and previous == "BEGIN") or (word == "CASE" and level):
        return 1
    return -1 if word == ")" or (word == "END" and level) else 0


def _tokens(text: str) -> Iterator[tuple[str, str, int]]:
    """Kind, text and end of each token."""
    at = 0
    while match := _TOKEN.match(text, at):
        kind = match.lastgroup if match.lastgroup != "tag" else "quoted"
        at = _end_of_comment(text, match.end()) if kind == "comment" else match.end()
        if kind == "open":
            raise SchemaError(f"line {_line(text, match.start())}: a quote that nothing closes")
        yield str(kind), match[0], at


def _end_of_comment(text: str, at: int) -> int:
    depth, begin = 1, at
    while depth:
        match = _COMMENT_END.search(text, at)
        if match is None:
            raise SchemaError(f"line {_line(text, begin)}: a comment that nothing closes")
        depth += 1 if match[0] == "/*" else -1
        at = match.end()
    return at


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def split_sqlite(text: str) -> list[str]:
    """The statements of `text` as SQLite itself tells them apart: triggers, literals and comments are whole."""
    statements, begun = [], ""
    for piece in re.split(r"(?<=;)", text):
        begun += piece
        if sqlite3.complete_statement(begun):
            statements.append(begun.strip())
            begun = ""
    return [statement for statement in [*statements, begun.strip()] if not _is_blank(statement)]


def _is_blank(statement: str) -> bool:
    return not re.sub(r"--[^\n]*|/\*.*?\*/|[\s;]", "", statement, flags=re.DOTALL)
