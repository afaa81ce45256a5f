"""Identifiers made by the client before the first attempt, so that a repeated write is recognised."""

from __future__ import annotations

import os
import time
import uuid


def new_id() -> str:
    """A time-ordered id as text: UUID version 7 (RFC 9562)."""
    milliseconds = time.time_ns() // 1_000_000
    number = (milliseconds & 0xFFFF_FFFF_FFFF) << 80 | int.from_bytes(os.urandom(10), "big")
    number = number & ~(0xF << 76) | 0x7 << 76  # version
    number = number & ~(0x3 << 62) | 0x2 << 62  # variant
    return str(uuid.UUID(int=number))
