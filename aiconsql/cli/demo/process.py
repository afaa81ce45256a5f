"""The agent's process as its supervisor holds it: started, heard, killed."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Mapping
from typing import Any, NamedTuple

from aiconsql.errors import AiconsqlError

INTERVAL_S = 0.15
_SILENCE_S = 30.0


class AgentFailed(AiconsqlError):
    """The agent's process ended without being asked to."""


class Said(NamedTuple):
    """One line of the agent: loaded, saving or saved, and the number of the observation."""

    word: str
    number: int


class Agent:
    """A running agent."""

    def __init__(self, aicon_id: str, environment: Mapping[str, str]) -> None:
        command = [sys.executable, "-m", "aiconsql.cli.demo.agent", aicon_id, str(INTERVAL_S)]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
            start_new_session=True,  # Ctrl-C is for the supervisor, which ends the agent
        )
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        with self._process.stdout as lines:  # type: ignore[union-attr] # it is a pipe
            for line in lines:
                self._lines.put(line)
        self._lines.put(None)

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def hear(self) -> Said:
        """What it says next.

        Raises:
            AgentFailed: it ended, told of an error, or said nothing for 30 s.
        """
        line = self._next_line()
        if line is None:
            raise AgentFailed(f"the agent (process {self.pid}) ended with exit code {self._process.wait()}")
        return _understood(line)

    def kill(self) -> list[Said]:
        """SIGKILL; what it still said before."""
        self._process.kill()
        return self._last_words()

    def stop(self) -> list[Said]:
        """Ask it to end and wait until it did; what it still said."""
        self._process.terminate()
        return self._last_words()

    def close(self) -> None:
        """End it if it still runs."""
        self._process.kill()
        self._process.wait()

    def _last_words(self) -> list[Said]:
        words = []
        while (line := self._next_line()) is not None:
            words.append(_understood(line))
        self._process.wait()
        return words

    def _next_line(self) -> str | None:
        try:
            return self._lines.get(timeout=_SILENCE_S)
        except queue.Empty:
            raise AgentFailed(f"the agent (process {self.pid}) said nothing for {_SILENCE_S:g} s") from None


def _understood(line: str) -> Said:
    word, _, rest = line.partition(" ")
    what: Any = json.loads(rest)
    if word == "failed":
        raise AgentFailed(f"the agent: {what['error']}: {what['message']}", hint=what["hint"])
    return Said(word, what)
