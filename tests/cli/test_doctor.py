"""`aiconsql doctor`."""

from __future__ import annotations

import re

import aiconsql
from aiconsql.cli.doctor import separation
from tests.cli.running import run, save_ada


def _states(done):
    return {one["check"]: one["state"] for one in done.json["findings"]}


def _finding(done, check):
    return next(one for one in done.json["findings"] if one["check"] == check)


def test_healthy(cli, url):
    """A migrated database is well on every line, and nothing was written into it."""
    aiconsql.connect(url).close()
    done = cli("doctor", "--json", "--url", url)
    checks = {"programs", "configured", "reachable", "migrated", "server", "storage", "writable", "separated"}

    assert (0, True) == (done.code, done.json["ok"])
    assert {"ok"} == set(_states(done).values())
    assert checks <= _states(done).keys()
    assert [] == cli("aicon", "list", "--json", "--url", url).json


def test_for_people(cli, url):
    """People read a line for each finding, without a secret."""
    aiconsql.connect(url).close()
    done = cli("doctor", "--url", url)

    assert 0 == done.code
    assert {"ok"} == {line.split()[0] for line in done.out.splitlines()}
    assert not re.search(r":[^/@\s]+@", done.out)


def test_where_the_url_came_from(cli, sqlite_url, monkeypatch):
    """The source of the URL is told."""
    by_default = _finding(cli("doctor", "--json"), "configured")
    monkeypatch.setenv("CIRIS_DB_URL", sqlite_url)
    by_variable = _finding(cli("doctor", "--json"), "configured")

    assert "from the default" in by_default["message"]
    assert "from CIRIS_DB_URL" in by_variable["message"]


def test_makes_nothing(cli, home):
    """Looking at a file that is not there yet is no fault and does not make it."""
    done = cli("doctor", "--json")

    assert 0 == done.code
    assert [] == list(home.iterdir())


def test_unmigrated(cli, pg_empty_owner_url):
    """An unmigrated PostgreSQL is wrong, with the command to type."""
    done = cli("doctor", "--json", "--url", pg_empty_owner_url)

    assert (1, False) == (done.code, done.json["ok"])
    assert "run as the owner: aiconsql migrate" == _finding(done, "migrated")["hint"]


def test_half_migrated_file(cli, sqlite_url):
    """A SQLite file with pending migrations gets a warning: the next connection migrates."""
    cli("migrate", "--to", "1", "--url", sqlite_url)
    done = cli("doctor", "--json", "--url", sqlite_url)

    assert (0, "warning") == (done.code, _states(done)["migrated"])


def test_owner_does_not_separate_tenants(cli, pg_owner_url):
    """The owner's role gets a warning: policies do not bind it."""
    done = cli("doctor", "--json", "--url", pg_owner_url)

    assert 0 == done.code
    assert "warning" == _states(done)["separated"]
    assert "aiconsql_owner owns the tables" in _finding(done, "separated")["message"]


def test_superuser_does_not_separate_tenants(cli, postgres_server, pg_database):
    """A superuser gets a warning: policies do not bind it."""
    done = cli("doctor", "--json", "--url", postgres_server.url(pg_database, role="superuser"))

    assert "superuser or has BYPASSRLS" in _finding(done, "separated")["message"]


def test_row_level_security_off(cli, postgres_server, pg_database, pg_url):
    """A table of ours without row-level security is wrong; somebody else's is their business."""
    with postgres_server.connect(pg_database) as admin:
        admin.execute("ALTER TABLE factors DISABLE ROW LEVEL SECURITY")
        admin.execute("CREATE TABLE theirs (tenant_id text)")
    done = cli("doctor", "--json", "--url", pg_url)

    assert 1 == done.code
    assert "row-level security is off: factors" == _finding(done, "separated")["message"]


def test_separation_of_a_file():
    """A database without roles says who keeps the tenants apart."""
    assert "ok" == separation({"role": None, "bypasses_policies": True}, []).state


def test_read_only_role(cli, postgres_server, pg_database, pg_url):
    """A role that may not write is told so."""
    with postgres_server.connect(pg_database) as admin:
        admin.execute("REVOKE INSERT ON aicons FROM aiconsql_app")
    done = cli("doctor", "--json", "--url", pg_url)

    assert (1, "wrong") == (done.code, _states(done)["writable"])


def test_unreachable(cli):
    """B126: an unreachable server is wrong, and no secret is shown."""
    done = cli("doctor", "--json", "--url", "postgresql://ada:s3cret@127.0.0.1:1/db?timeout_s=2")

    assert (1, "wrong") == (done.code, _states(done)["reachable"])
    assert "s3cret" not in done.out + done.err


def test_foreign_file(cli, tmp_path):
    """A file that is no database is wrong."""
    path = tmp_path / "letter.txt"
    path.write_text("Dear Ada, " * 1000)
    done = cli("doctor", "--url", str(path))

    assert 1 == done.code
    assert "not a SQLite database" in done.out


def test_bad_settings():
    """A bad variable is wrong, and its value is not shown."""
    done = run("doctor", AICONSQL_SYNCHRONOUS="s3cret")

    assert 1 == done.code
    assert "AICONSQL_SYNCHRONOUS" in done.out
    assert "s3cret" not in done.out + done.err


def test_other_tenants_rows_are_not_counted(cli, url):
    """The doctor works while other tenants do."""
    save_ada(url, tenant="acme")

    assert 0 == cli("doctor", "--url", url, "--tenant", "beta").code


def test_edited_migration(cli, postgres_server, pg_database, pg_url):
    """A schema that this program does not fit is wrong, and nothing else is said about it."""
    with postgres_server.connect(pg_database) as admin:
        admin.execute("UPDATE aiconsql_migrations SET sha256 = 'x' WHERE migration_id LIKE '0001%'")
    done = cli("doctor", "--json", "--url", pg_url)

    assert (1, "wrong") == (done.code, _states(done)["migrated"])
    assert ["programs", "configured", "reachable", "migrated"] == [one["check"] for one in done.json["findings"]]
