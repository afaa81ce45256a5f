"""`aiconsql roles --sql`."""

from __future__ import annotations

import re

import psycopg
import pytest
from psycopg import sql

import aiconsql

OWNER, APP = 'cli "owner"', "cli app"


@pytest.fixture
def with_roles(cli, postgres_server):
    """A database that an administrator has run the printed SQL in; gives the URL of a role."""
    name = postgres_server.create_database()
    names = ("--owner", OWNER, "--app", APP, "--database", name, "--schema", "the agents")
    script = cli("roles", "--sql", *names).out
    with postgres_server.connect(name) as admin:
        admin.execute(script)
        for role in (OWNER, APP):  # what \password does
            admin.execute(sql.SQL("ALTER ROLE {} PASSWORD 'geheim'").format(sql.Identifier(role)))
    yield lambda role: f"postgresql://{role}:geheim@{postgres_server.host}:{postgres_server.port}/{name}"
    postgres_server.drop_database(name)
    with postgres_server.connect() as admin:
        for role in (OWNER, APP):
            admin.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


def test_roles_serve(cli, with_roles):
    """With the printed SQL the owner migrates, and the application works in its schema and owns nothing."""
    owner, app = with_roles(OWNER), with_roles(APP)
    migrated = cli("migrate", "--app-role", APP, "--url", owner)
    ada = aiconsql.AIcon("Ada")
    with aiconsql.connect(app) as db:
        db.aicons.save(ada)
    checked = cli("doctor", "--json", "--url", app)
    with psycopg.connect(app.replace(" ", "%20")) as bare:
        schemas = bare.execute("SELECT DISTINCT schemaname FROM pg_tables WHERE tablename = 'aicons'").fetchall()

    assert 0 == migrated.code, migrated.err
    assert [("the agents",)] == schemas
    assert ("separated", "ok") == (checked.json["findings"][-1]["check"], checked.json["findings"][-1]["state"])


def test_no_secret(cli):
    """B126: the SQL holds no password, whatever the URL is."""
    done = cli("roles", "--sql", "--url", "postgresql://ada:s3cret@host/thedb")

    assert "s3cret" not in done.out
    assert not re.search(r"PASSWORD\s+'", done.out)
    assert 'DATABASE "thedb"' in done.out


def test_as_json(cli):
    """With --json the SQL is in a document."""
    assert {"sql"} == cli("roles", "--sql", "--json").json.keys()


def test_name_with_a_line_break(cli):
    """A name that would leave its comment is refused."""
    done = cli("roles", "--sql", "--owner", "x\nDROP TABLE y;")

    assert (2, "") == (done.code, done.out)
