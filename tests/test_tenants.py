"""Tenants of one database: none notices another."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

import aiconsql

ROOT = Path(__file__).parents[1]
TABLES = ("aicons", "factors", "sensors", "binary_data", "aicon_updates", "parts", "history")


def agent(tenant: str) -> aiconsql.AIcon:
    """An AIcon with something in every table, under the same ids everywhere."""
    aicon = aiconsql.AIcon(tenant, id="ada")
    aicon.add_factor_continuous("rate", 0.5)
    aicon.add_sensor("cpu")
    aicon.brain = {"of": tenant, "weights": bytes(3_000)}
    aicon.record_update(tenant)
    return aicon


@pytest.fixture
def both(pg_url: str) -> dict[str, Any]:
    """What each of two tenants stored."""
    stored = {}
    for tenant in ("acme", "beta"):
        with aiconsql.connect(pg_url, tenant=tenant) as db:
            db.aicons.save(agent(tenant))
            stored[tenant] = db.aicons.load("ada").version
    return stored


@pytest.fixture
def raw(both: dict[str, Any], pg_url: str) -> Iterator[psycopg.Connection[Any]]:
    """A bare connection of the application's role that says it is acme; both tenants have stored something."""
    with psycopg.connect(pg_url, autocommit=True) as connection:
        connection.execute("SELECT set_config('aiconsql.tenant', 'acme', false)")
        yield connection


def counts(connection: psycopg.Connection[Any]) -> dict[str, list[str]]:
    """The tenants found in each table."""
    found = {}
    for table in TABLES:
        rows = connection.execute(f"SELECT DISTINCT tenant_id FROM {table} ORDER BY tenant_id").fetchall()
        found[table] = [tenant for (tenant,) in rows]
    return found


def test_raw_sql_sees_its_own(raw: psycopg.Connection[Any]) -> None:
    """B121: without any WHERE, a tenant sees its own rows in every table."""
    assert {table: ["acme"] for table in TABLES} == counts(raw)


def test_raw_sql_changes_its_own(raw: psycopg.Connection[Any], pg_url: str, both: dict[str, Any]) -> None:
    """B121: UPDATE and DELETE without any WHERE leave the other tenant's rows as they are."""
    raw.execute("UPDATE aicons SET name = 'changed', version = version + 1, self_version = version + 1")
    raw.execute("UPDATE factors SET current_belief = '{}'")
    raw.execute("DELETE FROM aicon_updates")
    raw.execute("DELETE FROM aicons")
    with aiconsql.connect(pg_url, tenant="beta") as beta, aiconsql.connect(pg_url, tenant="acme") as acme:
        left = beta.aicons.load("ada")
        gone = acme.aicons.list()

    assert ("beta", 0.5, both["beta"]) == (left.name, left.factors["rate"].value, left.version)
    assert ["beta"] == [update.source for update in left.run_stats.updates]
    assert [] == gone


def test_raw_sql_cannot_write_for_another(raw: psycopg.Connection[Any]) -> None:
    """B121: neither a new row nor a changed one may bear another tenant's name."""
    columns = "tenant_id, hash, codec, bytes"
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        raw.execute(f"INSERT INTO parts ({columns}) VALUES ('beta', sha256(''), 0, '')")
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        raw.execute("UPDATE aicon_updates SET tenant_id = 'beta'")


def test_who_says_nothing_is_the_default_tenant(both: dict[str, Any], pg_url: str) -> None:
    """B121: without setting a tenant, neither acme nor beta is seen."""
    with psycopg.connect(pg_url) as connection:
        assert {table: [] for table in TABLES} == counts(connection)


def test_the_application_cannot_write_history(raw: psycopg.Connection[Any]) -> None:
    """B121: it may read its own history and change nothing of it."""
    for statement in (
        "DELETE FROM history",
        "UPDATE history SET version = 0",
        "TRUNCATE history",
        "INSERT INTO history DEFAULT VALUES",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            raw.execute(statement)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        raw.execute("ALTER TABLE history DISABLE TRIGGER ALL")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        raw.execute("ALTER TABLE aicons DISABLE ROW LEVEL SECURITY")


def test_the_application_owns_nothing(raw: psycopg.Connection[Any]) -> None:
    """B121: no table, function, schema or type; it is no superuser and does not go around row-level security."""
    owned = raw.execute(
        "SELECT count(*) FROM (SELECT relowner AS o FROM pg_class UNION ALL SELECT proowner FROM pg_proc"
        " UNION ALL SELECT nspowner FROM pg_namespace UNION ALL SELECT typowner FROM pg_type) AS x"
        " WHERE o = (SELECT oid FROM pg_roles WHERE rolname = current_user)"
    ).fetchone()
    role = raw.execute(
        "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = current_user"
    )

    assert (0,) == owned
    assert (False, False, False, False) == role.fetchone()
    for table in TABLES:
        enabled = raw.execute("SELECT relrowsecurity FROM pg_class WHERE oid = %s::regclass", [table]).fetchone()
        assert (True,) == enabled, table


def test_the_owner_sees_all(both: dict[str, Any], pg_owner_url: str) -> None:
    """B121: the owner migrates, dumps and sweeps over all tenants."""
    with psycopg.connect(pg_owner_url) as owner:
        assert {table: ["acme", "beta"] for table in TABLES} == counts(owner)


def test_the_same_ids_on_both_faces(two_tenants: tuple[Any, Any]) -> None:
    """Two tenants with the same id: each loads, changes and removes its own."""
    acme, beta = two_tenants
    acme.aicons.save(agent("acme"))
    beta.aicons.save(agent("beta"))
    acme.aicons.update_factor("ada", "rate", 0.75)
    assert 0.5 == beta.aicons.load("ada").factors["rate"].value
    assert beta.aicons.delete("ada")

    assert "acme" == acme.aicons.load("ada").brain["of"]
    assert [] == beta.aicons.list()


def test_for_tenant_shares_the_connections(db: Any) -> None:
    """The other tenant's database is the same one, for another name."""
    beta = db.for_tenant("beta")
    beta.aicons.save(agent("beta"))

    assert [] == db.aicons.list()
    assert ["beta"] == [aicon.name for aicon in db.for_tenant("beta").aicons.list()]


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_the_whole_suite_side_by_side(backend: str, pytestconfig: pytest.Config) -> None:
    """B122: two tenants with the same ids run every test that takes `db` at once; neither notices the other."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.side_by_side", f"--side-by-side={backend}", "tests"]
    if which := pytestconfig.getoption("--postgres"):
        command.append(f"--postgres={which}")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ})
    said = done.stdout[-3_000:] + done.stderr[-1_000:]

    assert 0 == done.returncode, said
    assert "side by side: " in done.stdout
