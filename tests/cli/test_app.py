"""The shared options, help and usage."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

import aiconsql
from tests.cli.running import COMMAND, run, save_ada


def test_version(cli):
    """--version prints the version."""
    done = cli("--version")

    assert (0, f"aiconsql {aiconsql.__version__}\n", "") == (done.code, done.out, done.err)


def test_no_command_shows_help(cli):
    """Without a command the help is shown, and it was wrong usage."""
    done = cli()

    assert done.code == 2
    assert "migrate" in done.out
    assert "AICONSQL_TENANT" in done.out


@pytest.mark.parametrize("command", ["migrate", "roles", "aicon", "query", "doctor", "demo"])
def test_help_of_each_command(cli, command):
    """Every command explains itself."""
    done = cli(command, "--help")

    assert (0, "") == (done.code, done.err)
    assert command in done.out


def test_shared_options_before_and_after(cli, sqlite_url):
    """The shared options mean the same before and after the command."""
    save_ada(sqlite_url, tenant="acme")
    before = cli("--url", sqlite_url, "--tenant=acme", "--json", "aicon", "list")
    after = cli("aicon", "list", "--json", "--tenant", "acme", f"--url={sqlite_url}")

    assert ["Ada [bold]\x1b[31m"] == [one["name"] for one in before.json]
    assert before == after


def test_what_stands_behind_two_dashes_is_no_option(cli):
    """`--` ends the options."""
    done = cli("--json", "aicon", "show", "--", "--json", "x")

    assert (2, "Usage") == (done.code, done.error["error"])


def test_environment_twins(cli, sqlite_url, monkeypatch):
    """Every option can be given by the environment: shared ones and those of a command."""
    save_ada(sqlite_url, tenant="acme")
    for name, value in {"URL": sqlite_url, "TENANT": "acme", "JSON": "1", "AICON_LIST_TYPE": "nobody"}.items():
        monkeypatch.setenv(f"AICONSQL_{name}", value)
    none = cli("aicon", "list")
    monkeypatch.delenv("AICONSQL_AICON_LIST_TYPE")
    all_ = cli("aicon", "list")

    assert [] == none.json
    assert 1 == len(all_.json)


@pytest.mark.parametrize(
    "words",
    [
        ("nonsense",),
        ("aicon",),
        ("aicon", "show"),
        ("aicon", "list", "--limit", "0"),
        ("aicon", "list", "--nonsense"),
        ("--url", "", "doctor"),
        ("migrate", "--rollback"),
        ("migrate", "--status", "--dry-run"),
        ("roles",),
        ("query",),
        ("demo", "--kills", "-1"),
        ("demo", "--url", "x.db", "--state-dir", "."),
    ],
)
def test_wrong_usage(cli, words):
    """Wrong usage is exit code 2, one message and one hint, without a traceback."""
    done = cli(*words)
    lines = done.err.splitlines()

    assert (2, "") == (done.code, done.out)
    assert ["aiconsql: ", "hint: "] == [line[: line.index(": ") + 2] for line in lines]


def test_wrong_usage_as_json(cli):
    """With --json an error is one JSON object."""
    done = cli("migrate", "--rollback", "--json")

    assert {"error", "message", "hint"} == done.error.keys()
    assert ("Usage", "--rollback needs --to") == (done.error["error"], done.error["message"])


def test_no_password_in_wrong_usage(cli):
    """B126: a URL in the wrong place is shown without its password."""
    done = cli("doctor", "postgresql://ada:s3:c/r?et@x@host/db")

    assert 2 == done.code
    assert "ada:…@host/db" in done.err


def test_reader_that_has_enough(sqlite_url):
    """A reader that closes the pipe ends the command without a word."""
    with subprocess.Popen(
        [*COMMAND, "query", "--list", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.close()
        err = process.stderr.read()

    assert b"" == err
    assert 0 == process.returncode


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_poor_terminal(sqlite_url, encoding):
    """A terminal without these characters gets others."""
    save_ada(sqlite_url)
    done = run("aicon", "list", "--url", sqlite_url, PYTHONIOENCODING=encoding)

    assert (0, "") == (done.code, done.err)


def test_importing_costs_nothing():
    """Importing the package of the command line loads neither typer nor rich."""
    code = "import sys, aiconsql.cli; print(sorted({'typer', 'rich', 'numpy'} & set(sys.modules)))"

    assert "[]\n" == subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_commands_load_without_numpy():
    """The help needs no numpy, whose loading would take half of its time."""
    code = "import sys, aiconsql.cli; aiconsql.cli.main(['--version']); print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.endswith("False\n")


def test_interrupt_ends_the_demo_and_its_agent(sqlite_url):
    """Ctrl-C ends the command with exit code 130, without a word, and the agent with it."""
    with subprocess.Popen(
        [*COMMAND, "demo", "--url", sqlite_url], stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        process.stdout.readline()  # it has begun
        agent = _child_of(process.pid)
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=30)

    assert (130, b"") == (process.returncode, err)
    assert _has_ended(agent)


def _has_ended(process):
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def _child_of(pid):
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if children := psutil.Process(pid).children():
            return children[0]
        time.sleep(0.02)
    raise AssertionError("no child")
