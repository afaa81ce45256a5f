"""The command line as a person has it: an empty HOME and no variable of ours."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(autouse=True)
def home(tmp_path_factory, monkeypatch):
    """An empty home directory of this test's own."""
    for name in [name for name in os.environ if name.startswith(("AICONSQL_", "CIRIS_"))]:
        monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    return home


@pytest.fixture
def cli(capsys):
    """Runs a command in this process: `cli("aicon", "list")` gives exit code, stdout and stderr."""
    from aiconsql.cli import main
    from tests.cli.running import Done

    def run(*arguments):
        capsys.readouterr()
        code = main(arguments)
        return Done(code, *capsys.readouterr())

    return run
