"""The command `aiconsql`. Importing this costs nothing: typer and rich load when a command runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 0 done, 1 refused, 2 wrong usage, 130 interrupted."""
    from .app import run

    return run(arguments)
