"""A real PgBouncer in transaction mode, on the loopback device, in front of a test server."""

from __future__ import annotations

import re
import signal
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from aiconsql.errors import Unavailable
from aiconsql.testing.daemon import Daemon
from aiconsql.testing.machine import free_port, fresh_directory, give, ordinary_account, remove, run
from aiconsql.testing.postgres import Role, Server
from tests.servers.install import library_path

_START_S = 10.0


class PgBouncer:
    """A pooler for every database of `server`: `pool_size` server connections for each database and role.

    Use it as a context manager and connect to `pgbouncer.url(database, role=…)`. The superuser's URL of the database
    `pgbouncer` is its console. `settings` are those of the section [pgbouncer] of its file.
    """

    def __init__(
        self, binary: Path, server: Server, *, pool_size: int = 2, settings: Mapping[str, str] | None = None
    ) -> None:
        self.binary = binary
        self.server = server
        self.host, self.port = server.host, free_port()
        self.settings = {"default_pool_size": str(pool_size), **(settings or {})}
        self._account = ordinary_account()
        self._daemon: Daemon | None = None

    def __enter__(self) -> Self:
        self._directory = fresh_directory("aiconsql-pgb-", self._account)
        self._write("users", "".join(self._users()))
        self._write("ini", "\n".join(self._lines()))
        self._daemon = Daemon(
            [self.binary, self._directory / "ini"],
            directory=self._directory,
            log=self._directory / "log",
            account=self._account,
            env=library_path(self.binary),
            last_signal=signal.SIGTERM,
        )
        self._wait(self._daemon)
        return self

    def __exit__(self, *_: object) -> None:
        if self._daemon is not None:
            self._daemon.end(signal.SIGTERM)
        remove(self._directory)

    @property
    def version(self) -> tuple[int, int]:
        """Major and minor version; prepared statements work in transaction mode from (1, 21) on."""
        said = run([self.binary, "--version"], None, library_path(self.binary))
        found = re.search(r"PgBouncer (\d+)\.(\d+)", said)
        assert found, said
        return int(found[1]), int(found[2])

    def url(self, database: str, *, role: Role = "app") -> str:
        """The URL of a database for a role, through the pooler."""
        there, here = f"@{self.server.host}:{self.server.port}/", f"@{self.host}:{self.port}/"
        return self.server.url(database, role=role).replace(there, here)

    def log(self) -> str:
        """What PgBouncer wrote to its log so far."""
        return (self._directory / "log").read_text(errors="replace")

    def _users(self) -> list[str]:
        return [f'"{self.server.users[role]}" "{self.server.passwords[role]}"\n' for role in self.server.users]

    def _lines(self) -> list[str]:
        settings = {
            "listen_addr": self.host,
            "listen_port": str(self.port),
            "unix_socket_dir": "",
            "auth_type": "scram-sha-256",
            "auth_file": str(self._directory / "users"),
            "admin_users": self.server.users["superuser"],
            "pool_mode": "transaction",
            **self.settings,
        }
        server = f"* = host={self.server.host} port={self.server.port}"
        return ["[databases]", server, "[pgbouncer]", *(f"{name} = {value}" for name, value in settings.items()), ""]

    def _write(self, name: str, text: str) -> None:
        path = self._directory / name
        path.touch(mode=0o600)
        path.write_text(text)
        give(path, self._account)

    def _wait(self, daemon: Daemon) -> None:
        end = time.monotonic() + _START_S
        while daemon.running and time.monotonic() < end:
            with socket.socket() as probe:
                if probe.connect_ex((self.host, self.port)) == 0:
                    return
            time.sleep(0.01)
        said = self.log()[-1000:].strip()
        self.__exit__()
        raise Unavailable(f"PgBouncer {self.binary}: does not start: {said}")
