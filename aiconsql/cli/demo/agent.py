"""
The agent as a process of its own: it observes, announces "saving n", saves, and tells "saved n".

The database comes by the environment. It ends when told to (SIGTERM), or when nobody listens any more.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time

import aiconsql

from .machine import Machine
from .mind import observe


class _Stopping:
    """Whether the process was told to end; set between two observations, acted on there."""

    asked = False

    def ask(self, *_: object) -> None:
        self.asked = True


def live(aicon_id: str, interval_s: float) -> None:
    """Load the AIcon and go on observing where it is."""
    stopping = _Stopping()
    signal.signal(signal.SIGTERM, stopping.ask)
    machine = Machine()
    with aiconsql.connect(migrate=False, reason="aiconsql demo") as db:
        aicon = db.aicons.load(aicon_id)
        _tell("loaded", aicon.run_stats.iterations)
        while True:
            time.sleep(interval_s)
            if stopping.asked:
                return
            number = observe(aicon, machine.read(), os.getpid())
            _tell("saving", number)
            db.aicons.save(aicon)
            _tell("saved", number)


def _tell(word: str, what: object) -> None:
    # One unbuffered write: a killed process has said exactly what it had done.
    os.write(1, f"{word} {json.dumps(what)}\n".encode())


def main() -> int:
    """Run the agent; the exit code."""
    try:
        live(sys.argv[1], float(sys.argv[2]))
    except aiconsql.AiconsqlError as error:
        _tell("failed", {"error": type(error).__name__, "message": str(error), "hint": error.hint})
        return 1
    except (BrokenPipeError, KeyboardInterrupt):
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
