"""`aiconsql migrate`."""

from __future__ import annotations

import pytest

from aiconsql.engine.queries import catalogue
from tests.cli.running import run

ALL = list(catalogue().migrations)


@pytest.fixture
def empty_url(request, backend):
    """The owner's URL of a database that nobody has migrated."""
    return request.getfixturevalue({"sqlite": "sqlite_url", "postgresql": "pg_empty_owner_url"}[backend])


def _states(cli, url):
    return {row["id"]: row["state"] for row in cli("migrate", "--status", "--json", "--url", url).json}


def test_all_the_way_and_back(cli, empty_url):
    """Migrating applies everything once; --rollback undoes it, newest first."""
    first = cli("migrate", "--json", "--url", empty_url)
    again = cli("migrate", "--json", "--url", empty_url)
    back = cli("migrate", "--rollback", "--to", "0", "--json", "--url", empty_url)

    assert {"applied": ALL, "dry_run": False} == first.json
    assert {"applied": [], "dry_run": False} == again.json
    assert {"undone": ALL[::-1], "dry_run": False} == back.json
    assert dict.fromkeys(ALL, "pending") == _states(cli, empty_url)


def test_to_a_number(cli, empty_url):
    """--to N stops there; a rollback to N keeps it."""
    cli("migrate", "--to", "2", "--url", empty_url)
    there = _states(cli, empty_url)
    cli("migrate", "--rollback", "--to", ALL[0], "--url", empty_url)

    assert {ALL[0]: "applied", ALL[1]: "applied", **dict.fromkeys(ALL[2:], "pending")} == there
    assert {ALL[0]: "applied", **dict.fromkeys(ALL[1:], "pending")} == _states(cli, empty_url)


def test_dry_run_changes_nothing(cli, empty_url):
    """--dry-run tells what would be done, forwards and backwards, and does nothing."""
    forwards = cli("migrate", "--dry-run", "--json", "--url", empty_url)
    before = _states(cli, empty_url)
    cli("migrate", "--url", empty_url)
    backwards = cli("migrate", "--rollback", "--to", "1", "--dry-run", "--json", "--url", empty_url)

    assert {"applied": ALL, "dry_run": True} == forwards.json
    assert dict.fromkeys(ALL, "pending") == before
    assert {"undone": ALL[:0:-1], "dry_run": True} == backwards.json
    assert dict.fromkeys(ALL, "applied") == _states(cli, empty_url)


def test_for_people(cli, empty_url):
    """People read what was applied, and that nothing is left."""
    first = cli("migrate", "--url", empty_url)
    again = cli("migrate", "--url", empty_url)

    assert [f"applied: {name}" for name in ALL] == first.out.splitlines()
    assert again.out.endswith("nothing is pending\n")


def test_unknown_number(cli, empty_url):
    """A number that no migration has is refused."""
    done = cli("migrate", "--to", "9999", "--url", empty_url)
    dry = cli("migrate", "--rollback", "--dry-run", "--to", "9999", "--url", empty_url)

    assert 1 == done.code == dry.code
    assert done.err.startswith("aiconsql: 9999: no migration has this number or id\nhint: ")


def test_default_place(home):
    """Without any URL the database is made below HOME."""
    done = run("migrate")

    assert 0 == done.code, done.err
    assert (home / ".aicon" / "aicon.db").is_file()
