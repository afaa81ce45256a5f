"""``python -m tests.behaviours``: which promise has which test; with --break, whether the tests can fail."""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tests.behaviours.breaks import Break, Fault, Outcome, read_breaks, require_unbroken, try_break
from tests.behaviours.promises import find_citations, read_promises

if TYPE_CHECKING:
    from collections.abc import Iterator


def main(arguments: list[str] | None = None, *, root: Path = Path(__file__).parents[2]) -> int:
    """Print the table or try the breaks; 1 when a number is unknown or a break goes unnoticed."""
    parser = argparse.ArgumentParser(prog="python -m tests.behaviours", description=__doc__)
    parser.add_argument("--break", dest="numbers", nargs="*", metavar="B57", help="try the kept breaks, or only these")
    numbers = parser.parse_args(arguments).numbers
    # Where nobody's terminal sets a width, a line may be as long as a test's id.
    console = Console(width=None if sys.stdout.isatty() else 160, highlight=False)
    return _print_table(console, root) if numbers is None else _try_breaks(console, root, numbers)


def _print_table(console: Console, root: Path) -> int:
    promises, cited = read_promises(root / "tests/behaviours/promises.md"), find_citations(root)
    broken = {each.number for each in read_breaks(root / "tests/behaviours/breaks")}
    table = Table("", "promise", "tests", "break", box=SIMPLE_HEAD)
    for number, text in promises.items():
        tests = "\n".join(cited.get(number, [])) or "[dim]none yet[/dim]"
        table.add_row(number, escape(text), tests, "kept" if number in broken else "")
    console.print(table)
    console.print(f"{len(promises)} promises, {len(promises.keys() & cited)} with a test, {len(broken)} with a break")
    unknown = sorted(cited.keys() - promises.keys())
    for number in unknown:
        console.print(f"{number}, which nobody promised: {', '.join(cited[number])}")
    return 1 if unknown else 0


def _try_breaks(console: Console, root: Path, numbers: list[str]) -> int:
    breaks, cited = read_breaks(root / "tests/behaviours/breaks", numbers), find_citations(root)
    try:
        require_unbroken(root, sorted({test for each in breaks for test in cited.get(each.number, [])}))
    except Fault as fault:
        console.print(escape(str(fault)))
        return 1
    outcomes = {outcome.name: outcome for outcome in _with_progress(_outcomes(breaks, root, cited), len(breaks))}
    table = Table("break", "does", "", "the test that noticed first, or why nothing is proved", box=SIMPLE_HEAD)
    for each in breaks:
        outcome = outcomes[each.path.stem]
        verdict = "noticed" if outcome.noticed else "[red]unproved[/red]"
        table.add_row(outcome.name, each.what, verdict, escape(outcome.says))
    console.print(table)
    noticed = sum(outcome.noticed for outcome in outcomes.values())
    missing = sorted(set(numbers) - {each.number for each in breaks})
    without = "".join(f", none is kept for {number}" for number in missing)
    console.print(f"{len(breaks)} breaks, {noticed} noticed{without}")
    return 1 if noticed < len(breaks) or missing else 0


def _outcomes(breaks: list[Break], root: Path, cited: dict[str, list[str]]) -> Iterator[Outcome]:
    """As they end; two at once, since each starts servers of its own."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        running = [pool.submit(try_break, each, root, cited.get(each.number, [])) for each in breaks]
        yield from (done.result() for done in as_completed(running))


def _with_progress(outcomes: Iterator[Outcome], total: int) -> Iterator[Outcome]:
    columns = (TextColumn("breaking"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    terminal = Console(stderr=True)
    with Progress(*columns, console=terminal, disable=not terminal.is_terminal, transient=True) as progress:
        yield from progress.track(outcomes, total=total)


if __name__ == "__main__":
    sys.exit(main())
