"""What the tests of migrations and of history triggers share: files, raw statements and programs beside this one."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import psycopg

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "migrations"

_TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'sqlite_sequence' ORDER BY name",
    "postgresql": "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename COLLATE \"C\"",
}
_COLUMNS = {
    "sqlite": "SELECT m.name, c.name FROM sqlite_master AS m, pragma_table_info(m.name) AS c "
    "WHERE m.type = 'table' AND m.name <> 'sqlite_sequence'",
    "postgresql": "SELECT table_name::text, column_name::text FROM information_schema.columns "
    "WHERE table_schema = 'public'",
}


def write(folder, files):
    """Files of a folder by their names without .sql."""
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.sql").write_text(text)
    return folder


def same(files):
    """Files whose text is the same on SQLite, for statements that the translator leaves to people."""
    return files | {f"{name}.sqlite": text for name, text in files.items()}


def run(target, *statements):
    """Run statements by hand, each committed; the rows of the last one."""
    if target.dialect == "sqlite":
        connection = sqlite3.connect(target.path, isolation_level=None)
        try:
            return [connection.execute(statement).fetchall() for statement in statements][-1]
        finally:
            connection.close()
    with psycopg.connect(**target.conninfo, autocommit=True) as connection:
        cursors = [connection.execute(statement) for statement in statements]
        return cursors[-1].fetchall() if cursors[-1].description else []


def tables(target):
    """The names of all tables, in order."""
    return [name for (name,) in run(target, _TABLES[target.dialect])]


def columns(target):
    """Table and name of each column."""
    return set(run(target, _COLUMNS[target.dialect]))


def start(program, *arguments):
    """Run a Python program beside this one."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", program, *map(str, arguments)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, env=environment, text=True, **pipes)


def finish(program):
    """What a program printed on stdout; it must have ended well."""
    out, errors = program.communicate(timeout=120)
    assert program.returncode == 0, errors
    return out
