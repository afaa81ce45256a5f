"""Which PostgreSQL the tests run on: the option --postgres against what is on this machine."""

from __future__ import annotations

import pytest

from aiconsql.testing import Installation


def choose(found: list[Installation], which: str | None) -> list[Installation]:
    """The installations to test on, newest first; `found` is newest first, and empty where there is none.

    Raises:
        pytest.UsageError: `which` names one that is not there.

    """
    newest_of_each: dict[int, Installation] = {}
    for one in found:
        newest_of_each.setdefault(one.major, one)
    if which == "all":
        return list(newest_of_each.values())
    if which is None:
        return sorted(found, key=lambda one: (one.origin != "environment", one.major != 18))[:1]
    fitting = [one for one in found if which in (str(one.major), one.origin)]
    if not fitting:
        raise pytest.UsageError(f"--postgres={which}: found {', '.join(map(str, found)) or 'none'}")
    return fitting[:1]


def repeats_sqlite(item: pytest.Item, chosen: list[Installation]) -> bool:
    """Whether a test on SQLite is there once more for a further PostgreSQL."""
    params = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    return params.get("backend") == "sqlite" and params.get("postgres_installation", chosen[0]) is not chosen[0]
