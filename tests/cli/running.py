"""Running the command as a process of its own, and what came out of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import aiconsql

COMMAND = [sys.executable, "-m", "aiconsql"]


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)

    @property
    def error(self) -> Any:
        """The one JSON document on stderr."""
        return json.loads(self.err)


def run(*arguments: str, timeout_s: float = 90, **environment: str) -> Done:
    """Run `aiconsql` as a program."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def save_ada(url: str, **options: Any) -> aiconsql.AIcon:
    """Save an AIcon that has a bit of everything."""
    import numpy as np

    ada = aiconsql.AIcon("Ada [bold]\x1b[31m", "thinker", ["think"])
    ada.state = {"turn": 3, "when": ada.created_at, "pair": (1, 2)}
    ada.add_factor_continuous("rate", 0.25, uncertainty=0.01, samples=np.linspace(0, 1, 300))
    ada.add_factor_categorical("mood", "calm", categories=["calm", "tense"])
    ada.add_sensor("eye", interval_s=3)
    ada.brain = {"weights": np.ones((3, 4)), "utility": {"k": 1}}
    ada.record_update("boot")
    with aiconsql.connect(url, **options) as db:
        db.aicons.save(ada)
    return ada
