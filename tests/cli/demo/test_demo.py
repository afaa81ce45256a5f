"""`aiconsql demo` from one end to the other, with real kills."""

from __future__ import annotations

import platform
import re
import sys

import pytest

import aiconsql
from aiconsql.cli.demo.mind import mind_of
from tests.cli.running import run


def _check(told, kills):
    struck = [kill for kill in told["kills"] if not kill["late"]]
    assert (True, []) == (told["held"], told["problems"])
    assert kills == len(struck)
    for kill in struck:
        assert kill["outcome"] in {"whole", "not at all"}
        assert kill["acknowledged"] == kill["saving"] - 1
        assert kill["next"] == kill["found"] + 1


@pytest.mark.slow
def test_three_kills_survived(tmp_path):
    """B115: an agent killed three times while saving goes on where it was, on SQLite."""
    done = run("demo", "--json", "--seconds", "6", "--state-dir", str(tmp_path))
    told = done.json
    with aiconsql.connect(str(tmp_path / "aicon.db")) as db:
        aicon = db.aicons.load(told["aicon"]["id"])
        updates = db.aicons.updates(aicon.id, limit=1_000)

    assert 0 == done.code, done.err
    _check(told, 3)
    assert told["aicon"]["iterations"] == aicon.run_stats.iterations == mind_of(aicon).iteration
    assert list(range(aicon.run_stats.iterations, 0, -1)) == [one.iteration for one in updates]
    assert 4 <= told["aicon"]["processes"] == len({one.metadata["process"] for one in updates})


@pytest.mark.slow
def test_on_postgresql_and_again(pg_empty_owner_url):
    """B115, B126: the same on PostgreSQL, which is migrated first; a second demo goes on with the same AIcon."""
    first = run("demo", "--seconds", "2", "--kills", "1", "--json", AICONSQL_URL=pg_empty_owner_url)
    second = run("demo", "--seconds", "1", "--kills", "0", "--url", pg_empty_owner_url)
    password = re.search(r":([^:@/]+)@", pg_empty_owner_url)[1]

    assert (0, 0) == (first.code, second.code), first.err + second.err
    _check(first.json, 1)
    assert f"watcher of {platform.node()} goes on after observation {first.json['aicon']['iterations']}" in second.out
    assert first.json["aicon"]["id"] in second.out
    assert password not in first.out + first.err + second.out + second.err


@pytest.mark.slow
def test_for_people(home):
    """People see each kill, the beliefs, where the state lives and what to type next; --fresh begins anew."""
    first = run("demo", "--seconds", "2", "--kills", "1")
    second = run("demo", "--seconds", "1", "--kills", "0", "--fresh")

    assert 0 == first.code, first.err
    for words in (
        "SIGKILL",
        "last acknowledged",
        "went on with",
        "posterior samples",
        "survived SIGKILL while saving: 1 of 1",
        "aicon show",
        "doctor",
    ):
        assert words in first.out
    assert str(home / ".aicon" / "aicon.db") in first.out
    assert "\x1b" not in first.out
    assert "is new" in second.out


def test_memory_is_refused(cli):
    """A database in memory cannot outlive a process."""
    done = cli("demo", "--url", "sqlite://")

    assert 1 == done.code
    assert "hint: name a file" in done.err


def test_without_psutil(cli, monkeypatch):
    """Without psutil the command to type is told."""
    monkeypatch.setitem(sys.modules, "psutil", None)
    done = cli("demo")

    assert (1, "aiconsql: the demo needs psutil\nhint: pip install 'aiconsql[demo]'\n") == (done.code, done.err)


def test_failing_agent_is_told(cli, sqlite_url, monkeypatch):
    """What ends the agent is told with its cause."""
    monkeypatch.setenv("AICONSQL_SYNCHRONOUS", "normal")
    monkeypatch.setattr("aiconsql.cli.demo.supervisor.Agent", _broken_agent)
    done = cli("demo", "--url", sqlite_url)

    assert 1 == done.code
    assert "NotFound: aicon nobody: not found" in done.err


def _broken_agent(_id, environment):
    from aiconsql.cli.demo.process import Agent

    return Agent("nobody", environment)
