"""A loopback proxy between clients and PostgreSQL: counts round trips, adds delay, cuts connections."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self
from urllib.parse import urlsplit, urlunsplit

from tests.servers.link import Count, Cut, Link, Plan


class Wire:
    """Stands between clients and `host`:`port`; use it as a context manager and connect to `wire.url(url)`.

    `delay_s` is added in each direction (a round trip takes twice that longer) and limits no bandwidth. It works on
    unencrypted connections, in one event loop in a thread of its own.

        with Wire(server.host, server.port) as wire:
            db = aiconsql.connect(wire.url(pg_url))
            with wire.count() as n:
                db.aicons.load("a")
            assert n.round_trips == 1, n

    Two Syncs that a client sends without waiting count as one round trip if the first is not yet answered when the
    second passes; a delay of a few milliseconds makes that certain.
    """

    def __init__(self, host: str, port: int, *, delay_s: float = 0.0) -> None:
        self.target = (host, port)
        self.host, self.port = "127.0.0.1", 0
        self._plan = Plan(delay_s)
        self._links: set[Link] = set()
        self._server: asyncio.Server | None = None
        self._runs: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="wire", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._call(self._listen)
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def url(self, url: str) -> str:
        """The same URL, through the wire."""
        parts = urlsplit(url)
        account, at, _ = parts.netloc.rpartition("@")
        return urlunsplit(parts._replace(netloc=f"{account}{at}{self.host}:{self.port}"))

    @property
    def connections(self) -> int:
        """How many connections are open now."""
        return len(self._links)

    @property
    def delay_s(self) -> float:
        """Seconds added in each direction; may be changed between operations."""
        return self._plan.delay_s

    @delay_s.setter
    def delay_s(self, delay_s: float) -> None:
        self._plan.delay_s = delay_s

    @contextmanager
    def count(self) -> Iterator[Count]:
        """Count what clients begin inside the block."""
        count = Count()
        self._plan.counts.append(count)
        try:
            yield count
        finally:
            self._plan.counts.remove(count)

    def cut(self) -> None:
        """Cut every open connection now."""
        self._call(self._cut)

    def cut_after_bytes(self, n: int) -> None:
        """Pass on n more bytes of the clients, then cut the connection that sent the last of them."""
        self._plan.cut = Cut(bytes_left=n)

    def cut_before_reply(self, *, executed: bool = True, after: int = 0) -> None:
        """Cut at the client's next Sync (or simple Query), before anything of its answer reaches the client.

        With `executed` the server has finished what it was told before the client notices; without, it never gets
        the Sync and undoes everything. The client cannot tell one from the other. `after` Syncs are let through.
        """
        self._plan.cut = Cut(syncs_left=after, executed=executed)

    def refuse(self) -> None:
        """Refuse new connections: nothing listens any more. Open ones live on."""
        self._call(self._unlisten)

    def blackhole(self) -> None:
        """Accept connections and pass on nothing any more, in neither direction, on open ones too."""
        self._plan.silent = True

    def heal(self) -> None:
        """Listen on the same port and pass on everything again; planned cuts are forgotten.

        Connections that sent something into the blackhole are cut.
        """
        self._call(self._heal)

    def _call(self, function: Callable[[], object]) -> None:
        async def call() -> None:
            result = function()
            if asyncio.iscoroutine(result):
                await result

        asyncio.run_coroutine_threadsafe(call(), self._loop).result(10)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def _unlisten(self) -> None:
        if self._server is not None:
            self._server.close()  # its wait_closed() would wait for the open connections
            self._server = None

    def _cut(self) -> None:
        for link in list(self._links):
            link.close()

    async def _heal(self) -> None:
        self._plan.cut, self._plan.silent = None, False
        for link in [link for link in self._links if link.starved]:
            link.close()
        if self._server is None:
            await self._listen()

    async def _close(self) -> None:
        self._unlisten()
        self._cut()
        if self._runs:
            await asyncio.wait(self._runs, timeout=5)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = Link(self._plan, writer)
        task = self._loop.create_task(link.run(reader, *self.target))
        self._links.add(link)
        self._runs.add(task)
        task.add_done_callback(self._runs.discard)
        task.add_done_callback(lambda _: self._links.discard(link))
