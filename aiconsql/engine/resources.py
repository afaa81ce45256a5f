"""Where the shipped folders sql/ and migrations/ are: inside an installed package, or beside it in the repository."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def folder(name: str) -> Path:
    """The folder `name` ("sql" or "migrations") of this installation."""
    # In the repository the folders stand beside the package, not in it.
    repository = _PACKAGE.parent
    if (repository / "pyproject.toml").is_file() and (repository / name).is_dir():
        return repository / name
    return _PACKAGE / name
