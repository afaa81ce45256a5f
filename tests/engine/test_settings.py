"""What the environment says."""

from __future__ import annotations

from pathlib import Path

import pytest

import aiconsql
from aiconsql.errors import SettingsError
from aiconsql.settings import DEFAULT_URL, Settings, read_settings


def test_an_empty_environment_is_the_default() -> None:
    """A file in the home directory."""
    assert Settings() == read_settings({})
    assert DEFAULT_URL == read_settings({"AICONSQL_URL": "", "CIRIS_DB_URL": ""}).url


def test_our_url_comes_first() -> None:
    """B1: AICONSQL_URL, else CIRIS_DB_URL."""
    assert "a.db" == read_settings({"AICONSQL_URL": "a.db", "CIRIS_DB_URL": "b.db"}).url
    assert "b.db" == read_settings({"CIRIS_DB_URL": "b.db"}).url


def test_every_field_has_a_variable() -> None:
    """Each is read from its own."""
    names = {"TENANT": "t", "SCHEMA": "s", "ACTOR": "a", "APP_ROLE": "r", "SYNCHRONOUS": "FULL"}
    settings = read_settings({f"AICONSQL_{name}": value for name, value in names.items()})

    assert Settings(DEFAULT_URL, "t", "s", "a", "r", "full") == settings


def test_all_mistakes_are_told_at_once() -> None:
    """One error names every variable that is wrong, and shows no value."""
    with pytest.raises(SettingsError) as caught:
        read_settings({"AICONSQL_TENANT": "", "AICONSQL_SYNCHRONOUS": "secret"})

    assert "AICONSQL_TENANT is empty; AICONSQL_SYNCHRONOUS must be normal or full" == str(caught.value)


def test_the_url_is_not_shown() -> None:
    """B126: neither repr nor str of the settings holds it."""
    assert "secret" not in f"{read_settings({'AICONSQL_URL': 'postgresql://u:secret@h/d'})!r}"


@pytest.mark.parametrize("name", ["AICONSQL_URL", "CIRIS_DB_URL"])
def test_connect_reads_the_environment(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """B1: connect() without a URL opens the one of the environment, for its tenant."""
    monkeypatch.delenv("AICONSQL_URL", raising=False)
    monkeypatch.setenv(name, f"sqlite:///{tmp_path}/x.db")
    monkeypatch.setenv("AICONSQL_TENANT", "acme")
    with aiconsql.connect() as db:
        db.aicons.save(aiconsql.AIcon("Ada", id="ada"))
    with aiconsql.connect(f"sqlite:///{tmp_path}/x.db", tenant="acme") as acme, aiconsql.connect(tenant="beta") as beta:
        assert (1, 0) == (len(acme.aicons.list()), len(beta.aicons.list()))


def test_full_durability_reaches_sqlite(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """AICONSQL_SYNCHRONOUS=full is SQLite's FULL (2); the default is NORMAL (1)."""
    found = []
    for value in ("normal", "full"):
        monkeypatch.setenv("AICONSQL_SYNCHRONOUS", value)
        with aiconsql.connect(sqlite_url) as db, db._runner.pool.connection() as connection:
            found += connection.execute("PRAGMA synchronous").fetchone()

    assert [1, 2] == found
