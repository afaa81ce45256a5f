"""What servers for tests need of this machine: an ordinary account, directories it reaches, a port."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from secrets import choice
from typing import TYPE_CHECKING

from aiconsql.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_ORDINARY = ("nobody", "postgres", "daemon", "www-data")


@dataclass(frozen=True, slots=True)
class Account:
    """Another account of this machine, which servers run under when we are root."""

    name: str
    uid: int
    gid: int


def ordinary_account() -> Account | None:
    """Who servers run as: another account when we are root (PostgreSQL and PgBouncer refuse root), else None.

    Raises:
        Unavailable: we are root and there is no other account.

    """
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name: entry for entry in pwd.getpwall() if entry.pw_uid != 0}
    for name in (*_ORDINARY, *known):
        if name in known:
            return Account(name, known[name].pw_uid, known[name].pw_gid)
    raise Unavailable("no account but root: a test server needs another one", hint="add a user such as nobody")


def run(command: Sequence[str | Path], account: Account | None, env: Mapping[str, str] | None = None) -> str:
    """The output of a command run to its end under `account`.

    Raises:
        Unavailable: it could not be started, or failed; the message ends with what it wrote.

    """
    shown = " ".join(str(word) for word in command)
    try:
        done: subprocess.CompletedProcess[str] = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
            cwd="/",
            env=environment(env),
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise Unavailable(f"{shown}: {error}") from error
    if done.returncode:
        raise Unavailable(f"{shown}: exit {done.returncode}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def temporary_root() -> Path:
    """A directory for sockets and data that every account reaches: /tmp where there is one."""
    short = Path("/tmp")  # noqa: S108 - the system's own may be private (TMPDIR) or too long for a socket's path
    return short if os.access(short, os.W_OK | os.X_OK) else Path(tempfile.gettempdir())


def fresh_directory(prefix: str, account: Account | None) -> Path:
    """A new empty directory that belongs to `account` and nobody else may read."""
    path = Path(tempfile.mkdtemp(prefix=prefix, dir=temporary_root()))
    give(path, account)
    return path


def give(path: Path, account: Account | None) -> None:
    """Make `account` the owner of a file or directory."""
    if account is not None:
        os.chown(path, account.uid, account.gid)


def cache_directory() -> Path:
    """A directory that outlives this process, for copies that other accounts may read and only we may write.

    Raises:
        Unavailable: someone else made or may write a directory of that name.

    """
    path = temporary_root() / f"aiconsql-cache-{os.geteuid()}"
    path.mkdir(mode=0o755, exist_ok=True)
    found = path.lstat()
    if path.is_symlink() or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise Unavailable(f"{path}: not ours alone", hint=f"remove {path}")
    path.chmod(0o755)  # mkdir's mode is subject to the umask
    return path


def free_port() -> int:
    """A TCP port of the loopback device that nothing listens on."""
    # Below the ports that the kernel hands out itself, so that a stopped server finds its own again.
    for _ in range(200):
        port = choice(range(15_000, 32_000))
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise Unavailable("no free TCP port between 15000 and 32000 on 127.0.0.1")


def remove(directory: Path) -> None:
    """Remove a directory and what is in it; nothing happens when it is gone."""
    shutil.rmtree(directory, ignore_errors=True)


def environment(own: Mapping[str, str] | None) -> dict[str, str]:
    """The environment for what we run, which must not see PGHOST, PGDATA and the like."""
    kept = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
    return {name: os.environ[name] for name in kept if name in os.environ} | dict(own or {})
