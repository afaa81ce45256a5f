"""A real PostgreSQL for tests: started in a second, on the loopback device only, gone with the process."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import time
from pathlib import Path
from secrets import token_hex, token_urlsafe
from typing import TYPE_CHECKING, Any, Literal, Self

import psycopg
from psycopg import sql

from aiconsql.errors import NotFound, Unavailable
from aiconsql.testing.daemon import Daemon
from aiconsql.testing.installations import find_installation, reachable
from aiconsql.testing.machine import free_port, fresh_directory, give, ordinary_account, remove, run

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from aiconsql.testing.installations import Installation

Role = Literal["app", "owner", "superuser"]

HOST = "127.0.0.1"
_START_S = 60.0
_LOCALE = "C" if sys.platform == "darwin" else "C.UTF-8"
_SMALL = {"shared_buffers": "32MB", "max_connections": "60"}
_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class Server:
    """One PostgreSQL with data of its own, for root (under another account) and for an ordinary user.

    It listens on `host`:`port` and on a socket in `directory`, and asks for a password everywhere. It has three
    roles: "owner" owns the databases and is no superuser, "app" owns nothing, "superuser" administers.
    `durable` keeps what was committed through `kill()`; without it commits are faster and the last ones may be lost.
    `settings` are PostgreSQL's. Use it as a context manager, or call `start()` and `close()`.

        with Server() as server:
            name = server.create_database()
            aiconsql.initialize_database(server.url(name, role="owner"))
            db = aiconsql.connect(server.url(name))

    Linux and macOS.
    """

    def __init__(
        self,
        installation: Installation | None = None,
        *,
        durable: bool = False,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.installation = installation or find_installation()
        self.host = HOST
        self.port = free_port()
        self.settings = {**_SMALL, **({} if durable else _FAST), **(settings or {})}
        self.users: dict[Role, str] = {"app": "aiconsql_app", "owner": "aiconsql_owner", "superuser": "postgres"}
        self.passwords: dict[Role, str] = {role: token_urlsafe(18) for role in self.users}
        self._account = ordinary_account()
        self._directory: Path | None = None
        self._daemon: Daemon | None = None
        self._maker = os.getpid()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def directory(self) -> Path:
        """Where the socket, the log (`log`) and the data (`data/`) are; raises NotFound before the first start."""
        if self._directory is None:
            raise NotFound("server: has no directory before start() and after close()")
        return self._directory

    @property
    def pid(self) -> int | None:
        """The process id of the postmaster, or None when it does not run."""
        return self._daemon.pid if self._daemon is not None and self._daemon.running else None

    def log(self) -> str:
        """What the server wrote to its log so far."""
        return (self.directory / "log").read_text(errors="replace")

    def url(self, database: str, *, role: Role = "app") -> str:
        """The URL of a database for a role, its password included."""
        return f"postgresql://{self.users[role]}:{self.passwords[role]}@{self.host}:{self.port}/{database}"

    def connect(self, database: str = "postgres", *, role: Role = "superuser") -> psycopg.Connection[Any]:
        """A psycopg connection in autocommit mode, for what a test does behind aiconsql's back."""
        return psycopg.connect(self.url(database, role=role), autocommit=True, connect_timeout=10)

    def start(self) -> None:
        """Start the server, on its data when it has some; nothing happens when it runs.

        Raises:
            Unavailable: it does not start; the message ends with its log.

        """
        if self.pid is not None:
            return
        new = self._directory is None
        if new:
            self._initialize()
        self._launch(attempts=5 if new else 1)
        if new:
            self._create_roles()

    def stop(self) -> None:
        """Stop in good order, connections are closed; `start()` finds the data again."""
        if self._daemon is not None:
            self._daemon.end(signal.SIGINT)

    def restart(self) -> None:
        """Stop in good order and start again, on the same port."""
        self.stop()
        self.start()

    def kill(self) -> None:
        """SIGKILL the postmaster and wait until its children are gone too; `start()` recovers the data."""
        if self._daemon is not None:
            self._daemon.end(signal.SIGKILL)

    def close(self) -> None:
        """Stop at once and remove the data. A process forked from the one that made the server does nothing."""
        if self._directory is None or os.getpid() != self._maker:
            return
        atexit.unregister(self.close)
        if self._daemon is not None:
            self._daemon.end(signal.SIGQUIT)
        remove(self._directory)
        self._directory = self._daemon = None

    def create_database(self, template: str | None = None) -> str:
        """The name of a new database that belongs to the owner: a copy of `template`, or empty."""
        name = f"test_{token_hex(6)}"
        names = {"name": name, "owner": self.users["owner"], "template": template or "template1"}
        with self.connect() as connection:
            connection.execute(
                _statement("create_database", **{key: sql.Identifier(one) for key, one in names.items()})
            )
        return name

    def drop_database(self, name: str) -> None:
        """Drop a database and close the connections to it; nothing happens when there is none."""
        with self.connect() as connection:
            connection.execute(_statement("drop_database", name=sql.Identifier(name)))

    def _initialize(self) -> None:
        self.installation = reachable(self.installation, self._account)
        self._directory = directory = fresh_directory("aiconsql-pg-", self._account)
        atexit.register(self.close)
        secret = directory / "secret"
        secret.touch(mode=0o600)
        secret.write_text(self.passwords["superuser"])
        give(secret, self._account)
        options = ["--auth=scram-sha-256", "--encoding=UTF8", f"--locale={_LOCALE}", "--no-sync"]
        where: list[str | Path] = ["-D", directory / "data", "-U", self.users["superuser"], f"--pwfile={secret}"]
        try:
            run([self.installation.bin / "initdb", *where, *options], self._account)
        except Unavailable:
            self.close()
            raise
        secret.unlink()

    def _launch(self, attempts: int) -> None:
        for left in reversed(range(attempts)):
            self._daemon = Daemon(
                self._command(),
                directory=self.directory,
                log=self.directory / "log",
                account=self._account,
                env={"LC_ALL": _LOCALE},
            )
            if self._becomes_ready(self._daemon):
                return
            said = self.log()[-2000:].strip()
            self._daemon.end(signal.SIGQUIT)
            if not left or "could not bind" not in said:
                raise Unavailable(f"PostgreSQL {self.installation}: does not start: {said}")
            self.port = free_port()

    def _command(self) -> list[str | Path]:
        at = {
            "listen_addresses": self.host,
            "port": str(self.port),
            "unix_socket_directories": str(self.directory),
        }
        options = [word for pair in {**at, **self.settings}.items() for word in ("-c", "=".join(pair))]
        return [self.installation.bin / "postgres", "-D", self.directory / "data", *options]

    def _becomes_ready(self, daemon: Daemon) -> bool:
        # The postmaster writes its state into the eighth line of its lock file, which pg_ctl reads too.
        lock = self.directory / "data" / "postmaster.pid"
        end = time.monotonic() + _START_S
        while daemon.running and time.monotonic() < end:
            lines = lock.read_text().split("\n") if lock.exists() else []
            if lines[0:1] == [str(daemon.pid)] and lines[7:8] == ["ready   "]:
                return True
            time.sleep(0.01)
        return False

    def _create_roles(self) -> None:
        with self.connect() as connection:
            for role in ("owner", "app"):
                name, password = sql.Identifier(self.users[role]), sql.Literal(self.passwords[role])
                connection.execute(_statement("create_role", name=name, password=password))


def _statement(name: str, /, **places: sql.Composable) -> sql.Composed:
    text: Any = (Path(__file__).parent / "sql" / f"{name}.sql").read_text()
    return sql.SQL(text).format(**places)
