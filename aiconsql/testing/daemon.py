"""A server process and its children, which never outlive the process that started them."""

from __future__ import annotations

import os
import select
import signal
import subprocess
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from aiconsql.errors import Unavailable
from aiconsql.testing.machine import environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aiconsql.testing.machine import Account

# The pipe on its stdin ends when our process does, however it dies. A word on it means: stopped in good order.
_WATCH = """
read -r word && exit 0
kill -s "$2" "$1" 2>/dev/null
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    kill -0 "$1" 2>/dev/null || break
    sleep 0.1
done
kill -s KILL "$1" 2>/dev/null
rm -rf "$3"
"""


class Daemon:
    """A server process and all its children, writing to `log`; `directory` goes with it when our process dies.

    `last_signal` is what makes it leave at once. Linux and macOS.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        directory: Path,
        log: Path,
        account: Account | None = None,
        env: Mapping[str, str] | None = None,
        last_signal: signal.Signals = signal.SIGQUIT,
    ) -> None:
        # Every child of the server inherits the writing end: the reading end is at its end when all are gone.
        self._family, inherited = os.pipe()
        try:
            with log.open("ab") as output:
                self.process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    pass_fds=(inherited,),
                    start_new_session=True,  # Ctrl-C is for the tests, which then stop us
                    cwd="/",
                    env=environment(env),
                    user=account.uid if account else None,
                    group=account.gid if account else None,
                    extra_groups=[] if account else None,
                )
        except OSError as error:
            os.close(self._family)
            raise Unavailable(f"{command[0]}: {error}") from error
        finally:
            os.close(inherited)
        name = last_signal.name.removeprefix("SIG")
        self._watch = subprocess.Popen(
            ["/bin/sh", "-c", _WATCH, "watch", str(self.pid), name, str(directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """The process id of the server."""
        return self.process.pid

    @property
    def running(self) -> bool:
        """Whether the server process lives."""
        return self.process.poll() is None

    def end(self, number: signal.Signals, timeout_s: float = 30.0) -> None:
        """Send a signal and wait until the server and all its children are gone.

        A child that works on after the death of its server (in a loop, say) is killed too, on Linux.

        Raises:
            Unavailable: some of them are still there after `timeout_s`.

        """
        with _children(self.process) as children:
            if self.running:
                self.process.send_signal(number)
            try:
                self.process.wait(timeout_s)
            except subprocess.TimeoutExpired as error:
                raise Unavailable(f"process {self.pid}: still there {timeout_s} s after {number.name}") from error
            if not self._family_gone(1.0):
                for child in children:
                    _kill(child)
            for child in children:
                _ends(child, timeout_s)
        if not self._family_gone(timeout_s):
            raise Unavailable(f"process {self.pid}: children still there {timeout_s} s after {number.name}")
        self._release()

    def _family_gone(self, timeout_s: float) -> bool:
        return self._family < 0 or _ends(self._family, timeout_s)

    def _release(self) -> None:
        if self._family >= 0:
            os.close(self._family)
            self._family = -1
            self._watch.communicate(b"stopped\n")


@contextmanager
def _children(process: subprocess.Popen[bytes]) -> Iterator[list[int]]:
    # Descriptors, not numbers: a number may already be another process's when the signal is sent.
    held: list[int] = []
    try:
        for child in _children_of(process.pid) if process.poll() is None else []:
            with suppress(ProcessLookupError):
                held.append(os.pidfd_open(child))
        yield held
    finally:
        for descriptor in held:
            os.close(descriptor)


def _children_of(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []  # no Linux


def _ends(descriptor: int, timeout_s: float) -> bool:
    # A process descriptor can be read when the process is gone, a pipe when nobody can write to it any more.
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN)
    return bool(waiting.poll(timeout_s * 1000))


def _kill(descriptor: int) -> None:
    with suppress(ProcessLookupError):
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
