"""Bad input, as a person meets it: a message, a hint, exit code 1, never a password, never a traceback."""

from __future__ import annotations

import os
import re

import pytest

from tests.cli.running import run, save_ada

PASSWORD = "s3cr3t-Pa%55w0rd"


def _refused(done):
    assert 1 == done.code, done
    assert "" == done.out
    assert "Traceback" not in done.err
    assert "s3cr3t" not in done.err
    return done.err.splitlines()


def test_unknown_scheme():
    """B126: an unknown scheme is an error that lists the known ones."""
    message, hint = _refused(run("aicon", "list", "--url", f"oracle://ada:{PASSWORD}@host/db"))

    assert "aiconsql: oracle: unknown kind of database URL" == message
    assert "hint: known are postgres://, postgresql://, sqlite:// and a path to a SQLite file" == hint


def test_unreachable_host():
    """B90, B126: an unreachable host is told within the timeout, with the place and a hint."""
    lines = _refused(run("aicon", "list", "--url", f"postgresql://ada:{PASSWORD}@127.0.0.1:1/db?timeout_s=3"))

    assert "127.0.0.1:1" in lines[0]


def test_wrong_password(pg_url):
    """B126: a wrong password is told without any."""
    lines = _refused(run("aicon", "list", "--url", re.sub(r":[^:@]*@", f":{PASSWORD}@", pg_url)))

    assert "hint: check user and password of the database URL" == lines[1]


def test_wrong_password_with_causes(pg_url):
    """B126: the causes that -v adds hold no password."""
    lines = _refused(run("-v", "aicon", "list", "--url", re.sub(r":[^:@]*@", f":{PASSWORD}@", pg_url)))

    assert lines[2].startswith("  because: ")


def test_foreign_file(tmp_path):
    """A file that is no database is refused and left as it is."""
    path = tmp_path / "letter.txt"
    path.write_text("Dear Ada, " * 1000)
    lines = _refused(run("aicon", "list", "--url", str(path)))

    assert lines[0].endswith("letter.txt: not a SQLite database")
    assert lines[1].startswith("hint: ")
    assert "Dear Ada, " * 1000 == path.read_text()


def test_unmigrated(pg_empty_owner_url):
    """An unmigrated PostgreSQL is told with the command to type."""
    lines = _refused(run("aicon", "list", "--url", pg_empty_owner_url))

    assert lines[0].endswith("not migrated yet")
    assert "hint: run: aiconsql migrate" == lines[1]


def test_error_as_json(pg_empty_owner_url):
    """With --json an error is one JSON object on stderr."""
    done = run("aicon", "list", "--json", "--url", pg_empty_owner_url)

    assert (1, "") == (done.code, done.out)
    assert {"error": "NotMigrated", "hint": "run: aiconsql migrate"} == {
        key: done.error[key] for key in ("error", "hint")
    }


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_read_only_directory(tmp_path):
    """A directory that may not be written is told."""
    tmp_path.chmod(0o500)
    lines = _refused(run("aicon", "list", "--url", str(tmp_path / "new" / "aicon.db")))

    assert "hint: choose a place you may write to" == lines[1]


def test_unknown_id(cli, url):
    """An unknown id is told, on both databases."""
    lines = _refused(cli("aicon", "show", "nobody", "--url", url))

    assert "aiconsql: aicon nobody: not found" == lines[0]


def test_other_tenant(cli, url):
    """Another tenant's AIcon is not found."""
    ada = save_ada(url, tenant="acme")

    _refused(cli("aicon", "show", ada.id, "--url", url, "--tenant", "beta"))


def test_place_below_a_file(tmp_path):
    """A place that cannot be made is told, and what stands in its way is left alone."""
    (tmp_path / "file").write_text("here")
    lines = _refused(run("aicon", "list", "--url", str(tmp_path / "file" / "aicon.db")))

    assert "hint: choose a place you may write to" == lines[1]
    assert "here" == (tmp_path / "file").read_text()
