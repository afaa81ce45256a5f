"""One connection through the wire: passes the messages on, counts them and is cut where the plan says."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from tests.servers.protocol import Piece, Splitter

# After these the client waits. What the server sends in the middle of a flight (the answers of a long pipeline fill
# its buffer) is nothing that the client waited for.
_TURNS = {
    "CopyDone", "CopyFail", "Flush", "FunctionCall", "GSSENCRequest", "Password", "Query", "SSLRequest", "Startup",
    "Sync",
}  # fmt: skip
_COMPLETE = {"FunctionCall", "Query", "Sync"}  # the server answers each with one ReadyForQuery


@dataclass(slots=True, eq=False)
class Count:
    """What went over the wire for what clients began while this was open.

    A round trip is a flight of the client that the server answered, in however many packets. Bytes and messages
    of what was begun before (a late answer), and closing a connection, are not in it.
    """

    round_trips: int = 0
    bytes_up: int = 0
    bytes_down: int = 0
    connections: int = 0
    messages: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        names = " ".join(name if n == 1 else f"{n}*{name}" for name, n in Counter(self.messages).items())
        return f"{self.round_trips} round trips, {self.bytes_up} bytes up, {self.bytes_down} down: {names}"


@dataclass(slots=True)
class Cut:
    """Where a connection is cut: at the client's byte after `bytes_left`, or at its Sync after `syncs_left`."""

    bytes_left: int | None = None
    syncs_left: int | None = None
    executed: bool = True


@dataclass(slots=True)
class Plan:
    """What all connections of a wire obey; changed from the thread of the test."""

    delay_s: float = 0.0
    cut: Cut | None = None
    silent: bool = False
    counts: list[Count] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class _Unit:
    """What the client sends up to a Sync, and the server answers up to a ReadyForQuery."""

    counts: tuple[Count, ...]


class Link:
    """One client, its connection to the server, and what is under way between them."""

    def __init__(self, plan: Plan, client: asyncio.StreamWriter) -> None:
        self.starved = False
        self._plan = plan
        self._client = client
        self._server: asyncio.StreamWriter | None = None
        self._up, self._down = Splitter("client"), Splitter("server")
        self._units: deque[_Unit] = deque()  # not answered to their end
        self._unit: _Unit | None = None  # that the client goes on with
        self._awaits: _Unit | None = None  # whose answer ends a round trip
        self._doomed: _Unit | None = None  # whose answer the client never sees
        self._tasks: list[asyncio.Task[None]] = []
        for count in plan.counts:
            count.connections += 1

    async def run(self, reader: asyncio.StreamReader, host: str, port: int) -> None:
        """Pass on until both sides have ended, or someone calls `close()`."""
        try:
            if self._plan.silent:
                await self._starve()
            from_server, self._server = await asyncio.open_connection(host, port)
            self._tasks = [
                asyncio.create_task(self._pump(reader, self._server, self._client_says)),
                asyncio.create_task(self._pump(from_server, self._client, self._server_says)),
            ]
            await asyncio.wait(self._tasks)
        except (OSError, asyncio.CancelledError):
            pass  # the server refuses, or close() while we starve: the client sees its end
        finally:
            await self._end()

    def close(self) -> None:
        """Cut: the client sees its connection die, the server what was passed on and then the end."""
        self._client.transport.abort()
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()

    async def _end(self) -> None:
        self.close()
        for writer in (self._client, self._server):
            if writer is not None:
                with suppress(OSError):
                    await writer.wait_closed()

    async def _starve(self) -> None:
        self.starved = True
        if not self._tasks and (task := asyncio.current_task()):
            self._tasks = [task]
        await asyncio.Event().wait()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, judge: Callable[[bytes], bytes]
    ) -> None:
        arrived: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        deliver = asyncio.create_task(self._deliver(arrived, writer, judge))
        self._tasks.append(deliver)
        data = b"more"
        while data:
            with suppress(ConnectionError):  # its end, too
                data = b""
                data = await reader.read(1 << 16)
            arrived.put_nowait((asyncio.get_running_loop().time() + self._plan.delay_s, data))
        await asyncio.wait([deliver])

    async def _deliver(
        self, arrived: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter, judge: Callable[[bytes], bytes]
    ) -> None:
        while True:
            due, data = await arrived.get()
            if (wait_s := due - asyncio.get_running_loop().time()) > 0:
                await asyncio.sleep(wait_s)
            if self._plan.silent:
                await self._starve()
            with suppress(OSError):
                if not data:
                    writer.write_eof()
                    return
                writer.write(judge(data))
                await writer.drain()

    def _client_says(self, data: bytes) -> bytes:
        """What of it the server gets."""
        cut = self._plan.cut
        if cut is not None and cut.bytes_left is not None:
            if len(data) >= cut.bytes_left:
                data = data[: cut.bytes_left]
                self._cut_now(data)
                return b""
            cut.bytes_left -= len(data)
        passed = bytearray()
        for piece in self._up.feed(data):
            if self._note_client(piece):
                passed += piece.data
            else:
                self._cut_now(bytes(passed))
                return b""
        return bytes(passed)

    def _cut_now(self, last_words: bytes) -> None:
        self._plan.cut = None
        if self._server is not None:
            self._server.write(last_words)
        self.close()

    def _note_client(self, piece: Piece) -> bool:
        """Count a piece of the client's; False when it must not reach the server."""
        if piece.name == "Terminate" or (piece.name == "Flush" and self._unit is None):
            return True  # libpq sends a Flush after a pipeline's Sync: it asks for nothing more
        if self._unit is None:
            self._unit = _Unit(tuple(self._plan.counts))
            self._units.append(self._unit)
        unit = self._unit
        for count in unit.counts:
            count.bytes_up += len(piece.data)
        if not piece.last:
            self._awaits = None
            return True
        for count in unit.counts:
            count.messages.append(piece.name)
        if piece.name in {"SSLRequest", "GSSENCRequest"}:
            self._down.expect_byte()
        self._awaits = unit if piece.name in _TURNS else None
        if piece.name in _COMPLETE:
            self._unit = None
            return self._may_pass(unit)
        return True

    def _may_pass(self, unit: _Unit) -> bool:
        cut = self._plan.cut
        if cut is None or cut.syncs_left is None:
            return True
        cut.syncs_left -= 1
        if cut.syncs_left >= 0:
            return True
        self._plan.cut = None
        self._doomed = unit
        return cut.executed

    def _server_says(self, data: bytes) -> bytes:
        """What of it the client gets."""
        return b"".join(piece.data for piece in self._down.feed(data) if self._note_server(piece))

    def _note_server(self, piece: Piece) -> bool:
        """Count a piece of the server's; False when the client must not see it."""
        if not self._units:
            return True  # a notice or notification that nobody asked for
        unit = self._units[0]
        for count in unit.counts:
            count.bytes_down += len(piece.data)
        if unit is self._awaits:
            self._awaits = None
            for count in unit.counts:
                count.round_trips += 1
        if piece.name == "CopyInResponse":
            self._unit = unit  # what comes next belongs to it
        if piece.name == "ReadyForQuery" and piece.last:
            self._answered(self._units.popleft())
        return unit is not self._doomed

    def _answered(self, unit: _Unit) -> None:
        if unit is self._unit:
            self._unit = None
        if unit is self._doomed:
            self.close()
