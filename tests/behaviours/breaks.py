"""Kept patches, each of which breaks one promise, and whether a test notices."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

TIMEOUT_S = 900
_UNCOPIED = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache", ".hypothesis", "build", "dist")


class Fault(Exception):
    """Why nothing is proved."""


@dataclass(frozen=True)
class Break:
    """A patch: the number of the promise that it breaks, what it does, and whether the map must be written anew."""

    path: Path
    number: str
    what: str
    generates: bool


@dataclass(frozen=True)
class Outcome:
    """What became of a break: the first test that failed, or the reason why nothing is proved."""

    name: str
    noticed: bool
    says: str


def read_breaks(folder: Path, numbers: Iterable[str] = ()) -> list[Break]:
    """The patches of these numbers, or all of them, in the numbers' order."""
    wanted = set(numbers)
    breaks = [_read(path) for path in folder.glob("B*.patch")]
    return sorted(
        (each for each in breaks if not wanted or each.number in wanted),
        key=lambda each: (int(each.number[1:]), each.path.name),
    )


def _read(path: Path) -> Break:
    comments = [line[1:].strip() for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    return Break(
        path=path,
        number=path.stem.partition("-")[0],
        what=next((line for line in comments if line != "generate"), ""),
        generates="generate" in comments,
    )


def require_unbroken(root: Path, tests: list[str]) -> None:
    """Raise a Fault when one of these tests fails on an untouched copy, where it has nothing to notice."""
    if tests:
        with _copy_of(root) as tree:
            if failed := _run_tests(tree, tests, "--exitfirst"):
                raise Fault(f"before anything is broken, {failed} fails")


def try_break(each: Break, root: Path, tests: list[str]) -> Outcome:
    """Break a copy of the tree and run the tests that name the promise."""
    try:
        failed = _failed_on_broken_copy(each, root, tests)
    except Fault as fault:
        return Outcome(each.path.stem, noticed=False, says=str(fault))
    return Outcome(each.path.stem, noticed=bool(failed), says=failed or f"none of {len(tests)} tests notices")


def _failed_on_broken_copy(each: Break, root: Path, tests: list[str]) -> str:
    if not tests:
        raise Fault(f"no test names {each.number}")
    with _copy_of(root) as tree:
        _apply(each, tree)
        return _run_tests(tree, tests, "--exitfirst")


@contextmanager
def _copy_of(root: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="aiconsql-", ignore_cleanup_errors=True) as folder:
        # A server that a test starts under another uid must be able to look in.
        Path(folder).chmod(0o755)
        tree = Path(folder, "tree")
        shutil.copytree(root, tree, ignore=_UNCOPIED, symlinks=True)
        yield tree


def _apply(each: Break, tree: Path) -> None:
    stray = [path for path in _changed(each.path) if not re.match(r"(aiconsql|sql|migrations)/(?!.*\.\.)", path)]
    if stray:
        raise Fault(f"it patches {', '.join(stray)}")
    # Fewer lines of context than given are enough, so that a patch outlives changes around its place.
    _call(tree, "git", "apply", "--recount", "-C1", str(each.path), fault="does not apply")
    if each.generates:
        _call(tree, sys.executable, "-m", "aiconsql.engine.generate", fault="the map cannot be written anew")


def _changed(patch: Path) -> list[str]:
    return re.findall(r"^(?:---|\+\+\+) [ab]/(\S+)", patch.read_text(encoding="utf-8"), re.MULTILINE)


def _call(tree: Path, *command: str, fault: str) -> None:
    done = subprocess.run(
        command, cwd=tree, env=_environment(tree), capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    if done.returncode:
        raise Fault(f"{fault}: {done.stderr.strip() or done.stdout.strip()}")


def _run_tests(tree: Path, tests: list[str], *options: str) -> str:
    """The first test that failed, or an empty string. A Fault when they could not run."""
    report = tree.parent / "report.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", *options, *tests]
    with subprocess.Popen(
        command, cwd=tree, env=_environment(tree), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as running:
        output = _output_of(running)
    if running.returncode not in (0, 1):
        raise Fault(f"the tests do not run: {_last_line(output)}")
    return _failed(report)


def _output_of(running: subprocess.Popen[str]) -> str:
    try:
        return running.communicate(timeout=TIMEOUT_S)[0]
    except subprocess.TimeoutExpired:
        # As Ctrl-C does: the tests stop their servers.
        running.send_signal(signal.SIGINT)
        try:
            running.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            running.kill()
        raise Fault(f"the tests hang: {TIMEOUT_S} s are over") from None


def _failed(report: Path) -> str:
    cases = ET.parse(report).getroot().iter("testcase")  # noqa: S314 - pytest has just written it
    results = {f"{case.get('classname')}::{case.get('name')}": {child.tag for child in case} for case in cases}
    failed = [name for name, tags in results.items() if "failure" in tags]
    broken = [name for name, tags in results.items() if "error" in tags]
    if broken and not failed:
        raise Fault(f"a fixture fails, not a test: {broken[0]}")
    return failed[0] if failed else ""


def _last_line(output: str) -> str:
    return next((line for line in reversed(output.splitlines()) if line.strip()), "no output")


def _environment(tree: Path) -> dict[str, str]:
    return {
        **os.environ,
        # Before the editable install, which leads to the unbroken code.
        "PYTHONPATH": str(tree),
        "PYTHONDONTWRITEBYTECODE": "1",
        # A repository around the temporary folder would make git apply skip files.
        "GIT_CEILING_DIRECTORIES": str(tree.parent),
    }
