"""
`make bench`: how long a full save, a load and a save of one changed factor take, on SQLite and PostgreSQL.

Milliseconds, medians of rounds in which sizes and databases take turns; nothing passes or fails by them. PostgreSQL
is a server of this run's own on loopback, with fsync, so its figures hold no network.
"""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from rich.console import Console
from rich.table import Table

import aiconsql
from aiconsql.testing import Server

from .states import SIZES, refill

ROUNDS = 15
Timings = dict[tuple[str, str, str], list[float]]


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Milliseconds that `call` took, and what it gave."""
    start = time.perf_counter()
    value = call()
    return (time.perf_counter() - start) * 1e3, value


def measure(databases: dict[str, aiconsql.Database]) -> Timings:
    """Timings by database, size and operation."""
    rng = np.random.default_rng(0)
    timings: Timings = defaultdict(list)
    aicons = {(name, size): aiconsql.AIcon(size) for name in databases for size in SIZES}
    for turn in range(ROUNDS + 1):
        for (name, size), aicon in aicons.items():
            store = databases[name].aicons
            refill(aicon, SIZES[size], rng)
            save, _ = timed(lambda: store.save(aicon))  # noqa: B023 - called at once
            load, _ = timed(lambda: store.load(aicon.id))  # noqa: B023
            aicon.factors["factor001"].value = float(rng.random())
            delta, _ = timed(lambda: store.save(aicon))  # noqa: B023
            if turn:  # the first round prepares the statements
                for operation, took in (("save", save), ("load", load), ("save of one factor", delta)):
                    timings[name, size, operation].append(took)
    return timings


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "cores": os.cpu_count(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "psycopg": psycopg.__version__,
        "numpy": np.__version__,
        "aiconsql": aiconsql.__version__,
    }


def show(timings: Timings, about: dict[str, Any]) -> None:
    """Print medians and worst cases as a table."""
    table = Table(title=", ".join(f"{key} {value}" for key, value in about.items()))
    for column in ("database", "size", "payload kB", "operation", "median ms", "worst ms"):
        table.add_column(column, justify="right" if column.endswith(("kB", "ms")) else "left")
    for (name, size, operation), took in sorted(timings.items()):
        payload = f"{SIZES[size].payload / 1e3:.0f}"
        table.add_row(name, size, payload, operation, f"{statistics.median(took):.2f}", f"{max(took):.2f}")
    Console().print(table)


def main() -> None:
    """Measure and print; ``--json FILE`` also writes the raw numbers."""
    with tempfile.TemporaryDirectory() as folder, Server(durable=True) as server:
        name = server.create_database()
        aiconsql.initialize_database(server.url(name, role="owner"))
        databases = {
            "SQLite": aiconsql.connect(str(Path(folder) / "bench.db")),
            "PostgreSQL": aiconsql.connect(server.url(name)),
        }
        about = {**machine(), "postgresql": str(server.installation)}
        timings = measure(databases)
        for database in databases.values():
            database.close()
    show(timings, about)
    if "--json" in sys.argv:
        raw = [{"database": d, "size": s, "operation": o, "ms": ms} for (d, s, o), ms in timings.items()]
        Path(sys.argv[sys.argv.index("--json") + 1]).write_text(
            json.dumps({"machine": about, "timings": raw}, indent=1)
        )


if __name__ == "__main__":
    main()
