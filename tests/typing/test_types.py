"""The type checkers infer every face without a cast, and refuse what is wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

WRONG = """
import asyncio
from aiconsql import AsyncDatabase, Database

async def wrong(db: Database, adb: AsyncDatabase) -> None:
    db.aicons.load(7)                     # line 6
    db.aicons.load()                      # line 7
    db.aicons.load("ada", limit=3)        # line 8
    db.aicons.list(limit="many")          # line 9
    text: str = db.aicons.load("ada")     # line 10
    adb.aicons.load("ada").name           # line 11
    await db.aicons.load("ada")           # line 12
    name: str = (await adb.aicons.load("ada")).version  # line 13
    for each in adb.aicons.each(): ...    # line 14
    await adb.aicons.save("ada")          # line 15
"""


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """A tool of this environment, run in the repository."""
    return subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)


def test_mypy_infers_every_face() -> None:
    """Each assert_type of faces.py holds under mypy --strict."""
    done = run("mypy", "--strict", "tests/typing/faces.py")

    assert 0 == done.returncode, done.stdout


@pytest.mark.slow
def test_pyright_infers_every_face() -> None:
    """Each assert_type of faces.py holds under pyright."""
    done = run("pyright", "tests/typing/faces.py")

    assert 0 == done.returncode, done.stdout


def test_what_is_wrong_is_an_error(tmp_path: Path) -> None:
    """Wrong arguments, a missing await and a value of another type: an error on each line."""
    program = tmp_path / "wrong.py"
    program.write_text(WRONG)
    done = run("mypy", "--strict", str(program))
    lines = {int(line.split(":")[1]) for line in done.stdout.splitlines() if ": error:" in line}

    assert set(range(6, 16)) == lines, done.stdout
