"""What the demo's agent sees: real readings of the machine it runs on."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from aiconsql.errors import AiconsqlError

Kind = Literal["level", "rate", "count", "category"]
PACES = ("idle", "busy", "saturated")
_IDLE, _SATURATED = 10.0, 70.0  # percent of the processors


@dataclass(frozen=True, slots=True)
class Quantity:
    """Something to have beliefs about. A rate is log10(1 + bytes per second), as bytes come in bursts."""

    kind: Kind
    unit: str
    source: str  # psutil's function
    highest: float | None = None


QUANTITIES: Mapping[str, Quantity] = {
    "cpu": Quantity("level", "%", "cpu_percent", 100.0),
    "load": Quantity("level", "waiting", "getloadavg"),
    "memory": Quantity("level", "% used", "virtual_memory", 100.0),
    "disk_read": Quantity("rate", "log10 B/s", "disk_io_counters"),
    "disk_written": Quantity("rate", "log10 B/s", "disk_io_counters"),
    "network_received": Quantity("rate", "log10 B/s", "net_io_counters"),
    "network_sent": Quantity("rate", "log10 B/s", "net_io_counters"),
    "processes": Quantity("count", "there", "pids"),
    "context_switches": Quantity("count", "per s", "cpu_stats"),
    "pace": Quantity("category", "", "cpu_percent"),
}


class PsutilMissing(AiconsqlError):
    """The demo looks at the machine through psutil, which is not installed."""


class Machine:
    """Reads the machine; rates and counts are those since the last reading.

    Raises:
        PsutilMissing: psutil is not installed.
    """

    def __init__(self) -> None:
        try:
            import psutil
        except ImportError as error:
            raise PsutilMissing("the demo needs psutil", hint="pip install 'aiconsql[demo]'") from error
        self._psutil: Any = psutil
        psutil.cpu_percent(None)  # the first call has nothing to compare with
        self._at, self._counters = time.monotonic(), self._counted()

    def read(self) -> dict[str, Any]:
        """Readings by quantity; what this machine does not tell is left out."""
        now, counters = time.monotonic(), self._counted()
        elapsed_s = max(now - self._at, 0.001)
        both = counters.keys() & self._counters.keys()
        grown = {name: max(counters[name] - self._counters[name], 0) for name in both}
        self._at, self._counters = now, counters
        return self._levels() | {name: _reading(name, count, elapsed_s) for name, count in sorted(grown.items())}

    def _levels(self) -> dict[str, Any]:
        tools = self._psutil
        cpu = tools.cpu_percent(None)
        found = {
            "cpu": cpu,
            "pace": PACES[(cpu >= _IDLE) + (cpu >= _SATURATED)],
            "load": _or_none(lambda: tools.getloadavg()[0]),
            "memory": _or_none(lambda: tools.virtual_memory().percent),
            "processes": _or_none(lambda: [len(tools.pids()), 1.0]),
        }
        return {name: value for name, value in found.items() if value is not None}

    def _counted(self) -> dict[str, int]:
        tools = self._psutil
        found = {
            "disk_read": _or_none(lambda: tools.disk_io_counters().read_bytes),
            "disk_written": _or_none(lambda: tools.disk_io_counters().write_bytes),
            "network_received": _or_none(lambda: tools.net_io_counters().bytes_recv),
            "network_sent": _or_none(lambda: tools.net_io_counters().bytes_sent),
            "context_switches": _or_none(lambda: tools.cpu_stats().ctx_switches),
        }
        return {name: value for name, value in found.items() if value is not None}


def _reading(name: str, count: int, elapsed_s: float) -> Any:
    if QUANTITIES[name].kind == "count":
        return [count, elapsed_s]
    return math.log10(1 + count / elapsed_s)


def _or_none(read: Callable[[], Any]) -> Any:
    """The reading, or None where the system hides it, as containers do."""
    try:
        return read()
    except (OSError, AttributeError, NotImplementedError, RuntimeError):
        return None
