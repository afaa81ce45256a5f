"""Waiting for SQLite that another thread can end."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass

SLICE_S = 0.05  # how long a wait lasts before it looks whether it was cancelled


class Cancelled(BaseException):
    """The unit was told to stop; never leaves the runner."""


@dataclass(slots=True)
class Stop:
    """A flag that another thread raises to cancel a unit."""

    raised: bool = False

    def check(self) -> None:
        """Raise when the flag is up."""
        if self.raised:
            raise Cancelled


class FairLock:
    """A lock whose waiters get it in the order they came."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._held = False
        self._waiters: deque[threading.Event] = deque()

    def acquire(self, timeout_s: float, stop: Stop) -> bool:
        """Take the lock; False when it was not free within `timeout_s`, or the flag went up."""
        turn = threading.Event()
        with self._guard:
            if not self._held:
                self._held = True
                return True
            self._waiters.append(turn)
        deadline = time.monotonic() + timeout_s
        try:
            while not turn.wait(SLICE_S):
                if stop.raised or time.monotonic() > deadline:
                    return not self._withdraw(turn)
        except BaseException:  # Ctrl-C: nobody would ever release it
            if not self._withdraw(turn):
                self.release()
            raise
        return True

    def _withdraw(self, turn: threading.Event) -> bool:
        """Leave the queue; False when the lock was handed over meanwhile."""
        with self._guard:
            if turn.is_set():
                return False
            self._waiters.remove(turn)
            return True

    def release(self) -> None:
        """Hand the lock to the next waiter."""
        with self._guard:
            if self._waiters:
                self._waiters.popleft().set()
            else:
                self._held = False
