"""--postgres chooses among the installations of this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from aiconsql.testing import Installation
from tests.servers.choice import choose


def _one(major: int, origin: Literal["environment", "wheel", "system"]) -> Installation:
    return Installation(major, Path(f"/{origin}/{major}"), origin)


_FOUND = [_one(18, "wheel"), _one(18, "system"), _one(17, "system"), _one(16, "wheel")]


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        (None, [_one(18, "wheel")]),
        ("16", [_one(16, "wheel")]),
        ("system", [_one(18, "system")]),
        ("all", [_one(18, "wheel"), _one(17, "system"), _one(16, "wheel")]),
    ],
)
def test_the_option_chooses(which: str | None, expected: list[Installation]) -> None:
    """A version, the system's newest, one of each, or 18 when nothing is said."""
    assert expected == choose(_FOUND, which)


def test_the_environment_is_the_default() -> None:
    """AICONSQL_PG_BIN names what the tests run on."""
    mine = _one(15, "environment")

    assert [mine] == choose([*_FOUND, mine], None)


def test_what_is_not_there_is_an_error() -> None:
    """Asked for and not found is no reason to test on something else; nothing asked and nothing found is told later."""
    with pytest.raises(pytest.UsageError, match="--postgres=14: found 18"):
        choose(_FOUND, "14")
    assert [] == choose([], None)
    assert [] == choose([], "all")
