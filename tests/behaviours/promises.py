"""What is promised, and which tests say that they prove it."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PROMISE = re.compile(r"^- (B\d+) (.+)$", re.MULTILINE)
_CITED = re.compile(r"(B\d+(?:\s*,\s*B\d+)*)\s*:")


def read_promises(page: Path) -> dict[str, str]:
    """Every number of the page with its promise, in the page's order."""
    return dict(_PROMISE.findall(page.read_text(encoding="utf-8")))


def find_citations(root: Path) -> dict[str, list[str]]:
    """The pytest ids of the tests under root/tests that name each number; a number nobody names is not in it."""
    found: dict[str, list[str]] = {}
    for path in sorted((root / "tests").rglob("test_*.py")):
        for numbers, test in _cited_in(path):
            for number in numbers:
                found.setdefault(number, []).append(f"{path.relative_to(root).as_posix()}::{test}")
    return found


def _cited_in(path: Path) -> Iterator[tuple[list[str], str]]:
    tree = ast.parse(path.read_text(encoding="utf-8"), path)
    for name, function in _tests_of(tree):
        cited = _CITED.match(ast.get_docstring(function) or "")
        if cited:
            yield re.findall(r"B\d+", cited[1]), name


def _tests_of(body: ast.Module | ast.ClassDef) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for node in body.body:
        if isinstance(node, ast.ClassDef):
            yield from ((f"{node.name}::{name}", function) for name, function in _tests_of(node))
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test_"):
            yield node.name, node
