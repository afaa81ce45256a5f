"""What is shipped: the wheel works alone, and importing it costs little."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from aiconsql.engine.queries import catalogue

ROOT = Path(__file__).parents[1]
IMPORT_US = 60_000
MAP_S = 0.005
SAVE_AND_LOAD = """
import sys
import aiconsql

with aiconsql.connect(sys.argv[1]) as db:
    ada = aiconsql.AIcon("Ada")
    db.aicons.save(ada)
    print(aiconsql.__file__, db.aicons.load(ada.id).name)
"""


def _run(*command: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("AICONSQL_", "CIRIS_", "PYTHON"))
    }
    done = subprocess.run(command, cwd=cwd, env=clean | environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from this repository."""
    folder = tmp_path_factory.mktemp("wheel")
    _run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder, cwd=ROOT)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The folder bin/ of a virtual environment outside the repository that holds nothing but the wheel."""
    folder = tmp_path_factory.mktemp("installed")
    if uv := shutil.which("uv"):
        _run(uv, "venv", "--python", sys.executable, folder / "venv", cwd=folder)
        _run(uv, "pip", "install", "--python", folder / "venv/bin/python", wheel, cwd=folder)
    else:
        _run(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
        _run(folder / "venv/bin/python", "-m", "pip", "install", wheel, cwd=folder)
    return folder / "venv/bin"


def test_wheel_holds_what_it_needs(wheel):
    """Every statement, every migration, the map and the mark of types are in the wheel, and no test is."""
    names = set(zipfile.ZipFile(wheel).namelist())
    sql = {
        f"aiconsql/{path.relative_to(ROOT).as_posix()}"
        for top in ("sql", "migrations")
        for path in (ROOT / top).rglob("*.sql")
    }

    assert set() == sql - names
    assert {"aiconsql/py.typed", "aiconsql/engine/dialect/map.json"} <= names
    assert {"aiconsql"} == {name.partition("/")[0] for name in names if ".dist-info/" not in name}


@pytest.mark.slow
def test_wheel_alone_on_sqlite(installed, tmp_path):
    """Installed alone, the package migrates a new file on connecting, saves and loads."""
    done = _run(installed / "python", "-c", SAVE_AND_LOAD, "sqlite:///x.db", cwd=tmp_path)

    assert f"{installed.parent}" in done.stdout
    assert done.stdout.endswith("Ada\n")
    assert (tmp_path / "x.db").exists()


@pytest.fixture
def empty(postgres_server):
    """The name of a PostgreSQL database that nobody has migrated."""
    name = postgres_server.create_database()
    yield name
    postgres_server.drop_database(name)


@pytest.mark.slow
def test_wheel_alone_on_postgresql(installed, tmp_path, postgres_server, empty):
    """Installed alone, its command migrates as the owner; the application saves and loads."""
    _run(installed / "aiconsql", "migrate", cwd=tmp_path, AICONSQL_URL=postgres_server.url(empty, role="owner"))
    done = _run(installed / "python", "-c", SAVE_AND_LOAD, postgres_server.url(empty), cwd=tmp_path)

    assert f"{installed.parent}" in done.stdout
    assert done.stdout.endswith("Ada\n")


def test_import_is_quick():
    """Importing aiconsql takes less than 60 ms, the best of five times."""

    def cumulative_us():
        done = _run(sys.executable, "-X", "importtime", "-c", "import aiconsql", cwd=ROOT)
        return int(re.search(r"\| +(\d+) \| aiconsql$", done.stderr, re.MULTILINE)[1])

    assert min(cumulative_us() for _ in range(5)) < IMPORT_US


def test_import_loads_no_driver():
    """Importing aiconsql loads no driver, no event loop and none of the large libraries."""
    heavy = {
        "aiosql",
        "asyncio",
        "msgspec",
        "numpy",
        "opentelemetry",
        "psycopg",
        "rich",
        "sqlglot",
        "sqlite3",
        "typer",
        "yoyo",
    }
    done = _run(sys.executable, "-c", "import sys, aiconsql; print(*sys.modules)", cwd=ROOT)

    assert set() == heavy & set(done.stdout.split())


def test_query_map_loads_quickly():
    """The map of all queries is read in less than 5 ms, the best of ten times."""

    def seconds():
        catalogue.cache_clear()
        start = time.perf_counter()
        catalogue()
        return time.perf_counter() - start

    assert min(seconds() for _ in range(10)) < MAP_S
