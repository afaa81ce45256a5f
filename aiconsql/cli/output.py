"""Output for people and for programs: tables, JSON, progress."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TextIO

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

_WIDE = 200  # columns, where nobody looks at the width


def tolerate_any_encoding() -> None:
    """Let a terminal that cannot show a character show another one, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def console(stream: TextIO | None = None) -> Console:
    """A console that takes every text as it is: what agents are called is no markup."""
    stream = stream or sys.stdout
    width = None if stream.isatty() else _WIDE
    return Console(file=stream, width=width, markup=False, highlight=False, emoji=False)


def say(text: str = "", style: str | None = None) -> None:
    """One line for people."""
    console().print(printable(text), style=style, soft_wrap=True)


def say_json(value: Any) -> None:
    """One JSON document for programs."""
    plain = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
    sys.stdout.write(json.dumps(value, default=_document, ensure_ascii=plain, indent=2) + "\n")


def say_table(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], *, right: Sequence[str] = (), title: str | None = None
) -> None:
    """A table for people; columns named in `right` are aligned there."""
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", title_style="bold", pad_edge=False)
    for name in columns:
        table.add_column(name, justify="right" if name in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(cell(value) for value in row))
    console().print(table)


def say_pairs(pairs: Mapping[str, Any]) -> None:
    """Names and values, one pair a line."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in pairs.items():
        table.add_row(name, cell(value))
    console().print(table)


def cell(value: Any) -> str:
    """A value as it stands in a table."""
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    return printable(str(value))


def printable(text: str) -> str:
    """`text` without characters that steer a terminal."""
    return "".join(char if char.isprintable() or char == "\n" else f"\\x{ord(char):02x}" for char in text)


def _document(value: Any) -> Any:
    """What JSON has no form for: moments as ISO 8601, bytes as base64."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return str(value)


@contextmanager
def progress(total: float | None = None) -> Iterator[Bar]:
    """A progress bar on stderr, where that is a terminal; gone afterwards."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    shown = Progress(*columns, console=console(sys.stderr), transient=True, disable=not sys.stderr.isatty())
    with shown:
        yield Bar(shown, total)


class Bar:
    """One progress bar."""

    def __init__(self, shown: Progress, total: float | None) -> None:
        self._shown = shown
        self._task = shown.add_task("", total=total)

    def show(self, what: str, done: float, total: float | None = None) -> None:
        """Say what is being done and how far it is."""
        self._shown.update(self._task, description=printable(what), completed=done, total=total)

    def say(self, text: str) -> None:
        """A line above the bar, on stdout."""
        self._shown.stop()
        say(text)
        if not self._shown.disable:
            self._shown.start()
