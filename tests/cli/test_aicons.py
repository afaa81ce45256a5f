"""`aiconsql aicon list|show|delete`, on both databases."""

from __future__ import annotations

import aiconsql
from tests.cli.running import run, save_ada

SUMMARY = {"id", "name", "aicon_type", "version", "iterations", "created_at", "last_updated"}
WHOLE = SUMMARY - {"iterations"} | {
    "capabilities", "config", "state", "metadata", "brain", "factors", "sensors", "run_stats",
}  # fmt: skip


def test_list_as_json(cli, url):
    """The list is an array of summaries, the last changed first."""
    first, second = save_ada(url), save_ada(url)
    found = cli("aicon", "list", "--json", "--url", url).json

    assert [second.id, first.id] == [one["id"] for one in found]
    assert [SUMMARY] * 2 == [one.keys() for one in found]


def test_list_by_type_name_and_limit(cli, url):
    """--type, --name and --limit choose."""
    ada = save_ada(url)
    with aiconsql.connect(url) as db:
        for number in range(3):
            db.aicons.save(aiconsql.AIcon(f"Bob {number}", "doer"))

    def names(*options):
        return [one["name"] for one in cli("aicon", "list", "--json", "--url", url, *options).json]

    assert ["Bob 2", "Bob 1", "Bob 0"] == names("--type", "doer")
    assert ["Bob 2", "Bob 1"] == names("--type", "doer", "--limit", "2")
    assert ["Bob 1"] == names("--name", "Bob 1")
    assert [] == names("--name", "Bob 1", "--type", "thinker")
    assert [ada.name] == names("--type", "thinker")


def test_list_for_people(cli, url):
    """People read a table; a name cannot paint it or steer the terminal."""
    ada = save_ada(url)
    done = cli("aicon", "list", "--url", url)

    assert ada.id in done.out
    assert "Ada [bold]\\x1b[31m" in done.out
    assert "\x1b" not in done.out


def test_empty_list(cli, url):
    """An empty list is an empty array, and a sentence for people."""
    assert [] == cli("aicon", "list", "--json", "--url", url).json
    assert "no AIcon yet" in cli("aicon", "list", "--url", url).out


def test_show_as_json(cli, url):
    """Everything but the numbers of arrays is in the document."""
    ada = save_ada(url)
    found = cli("aicon", "show", ada.id, "--json", "--url", url).json
    rate = next(one for one in found["factors"] if one["name"] == "rate")

    assert WHOLE == found.keys()
    assert {"array": "float64", "shape": [3, 4]} == found["brain"]["weights"]
    assert (0.25, {"array": "float64", "shape": [300]}) == (rate["value"], rate["samples"])
    assert {"turn": 3, "when": ada.created_at.isoformat(), "pair": [1, 2]} == found["state"]
    assert 1 == found["run_stats"]["iterations"] == found["version"]


def test_show_for_people(cli, url):
    """People read identity, factors with a plot, sensors, the shape of the brain and the latest updates."""
    ada = save_ada(url)
    out = cli("aicon", "show", ada.id, "--url", url).out

    for words in (ada.id, "float64 (300,)", "██", "eye", "weights: float64 (3, 4)", "boot"):
        assert words in out
    assert "\x1b" not in out


def test_delete(cli, url):
    """Delete removes; a second one is told that there is none."""
    ada = save_ada(url)
    done = cli("aicon", "delete", ada.id, "--yes", "--json", "--url", url)
    again = cli("aicon", "delete", ada.id, "--yes", "--url", url)

    assert {"id": ada.id, "name": ada.name, "deleted": True, "dry_run": False} == done.json
    assert (1, f"aiconsql: aicon {ada.id}: not found\n") == (again.code, again.err)


def test_delete_dry_run(cli, url):
    """--dry-run tells what would go, and deletes nothing."""
    ada = save_ada(url)
    done = cli("aicon", "delete", ada.id, "--dry-run", "--url", url)

    assert done.out.startswith("would be deleted: Ada")
    assert 1 == len(cli("aicon", "list", "--json", "--url", url).json)


def test_delete_asks(sqlite_url):
    """Without --yes and without anybody to ask nothing is deleted."""
    ada = save_ada(sqlite_url)
    done = run("aicon", "delete", ada.id, "--url", sqlite_url)

    assert (2, "") == (done.code, done.out)
    assert 1 == len(run("aicon", "list", "--json", "--url", sqlite_url).json)
