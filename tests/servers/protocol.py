"""PostgreSQL's messages in a stream of bytes: enough to see where one begins, ends and what it is called."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

_FRONTEND = {
    b"B": "Bind", b"C": "Close", b"D": "Describe", b"E": "Execute", b"F": "FunctionCall", b"H": "Flush",
    b"P": "Parse", b"Q": "Query", b"S": "Sync", b"X": "Terminate", b"c": "CopyDone", b"d": "CopyData",
    b"f": "CopyFail", b"p": "Password",
}  # fmt: skip
_BACKEND = {
    b"1": "ParseComplete", b"2": "BindComplete", b"3": "CloseComplete", b"A": "Notification", b"C": "CommandComplete",
    b"D": "DataRow", b"E": "ErrorResponse", b"G": "CopyInResponse", b"H": "CopyOutResponse", b"I": "EmptyQuery",
    b"K": "BackendKeyData", b"N": "Notice", b"R": "Authentication", b"S": "ParameterStatus", b"T": "RowDescription",
    b"Z": "ReadyForQuery", b"c": "CopyDone", b"d": "CopyData", b"n": "NoData", b"t": "ParameterDescription",
}  # fmt: skip
# A message without a type byte opens a connection; its code tells which one it is.
_OPENING = {80877102: "CancelRequest", 80877103: "SSLRequest", 80877104: "GSSENCRequest"}


@dataclass(frozen=True, slots=True)
class Piece:
    """Some bytes of one message; `last` when the message ends with them."""

    name: str
    data: bytes
    last: bool


@dataclass(slots=True)
class Splitter:
    """Cuts a stream into pieces of messages without waiting for the whole of a long one.

    The client's stream opens with messages that have no type byte; the server's with a single byte for each
    SSLRequest and GSSENCRequest, which `expect_byte` announces.
    """

    side: Literal["client", "server"]
    opening: bool = field(init=False)
    _bare: int = 0  # single bytes that come next
    _head: bytes = b""  # of a message whose length is not known yet
    _name: str = ""
    _left: int = 0  # bytes of the message that are still to come

    def __post_init__(self) -> None:
        self.opening = self.side == "client"

    def expect_byte(self) -> None:
        """The server answers with one byte next."""
        self._bare += 1

    def feed(self, data: bytes) -> list[Piece]:
        """The pieces that `data` completes; a head that is too short to be understood is kept for the next call."""
        pieces: list[Piece] = []
        data, self._head = self._head + data, b""
        while data:
            size = self._next(data)
            if size == 0:
                self._head = data
                break
            piece, data = data[:size], data[size:]
            pieces.append(Piece(self._name, piece, self._left == 0))
        return pieces

    def _next(self, data: bytes) -> int:
        if self._left == 0 and not self._open(data):
            return 0
        size = min(self._left, len(data))
        self._left -= size
        return size

    def _open(self, data: bytes) -> bool:
        if self._bare:
            self._bare, self._name, self._left = self._bare - 1, "Byte", 1
            return True
        if self.opening:
            return self._open_untyped(data)
        if len(data) < 5:
            return False
        names = _FRONTEND if self.side == "client" else _BACKEND
        self._name = names.get(data[:1], repr(data[:1]))
        self._left = 1 + int.from_bytes(data[1:5], "big")
        return True

    def _open_untyped(self, data: bytes) -> bool:
        if len(data) < 8:
            return False
        self._name = _OPENING.get(int.from_bytes(data[4:8], "big"), "Startup")
        self._left = int.from_bytes(data[:4], "big")
        self.opening = self._name != "Startup"
        return True
