"""Promises of the migrator that chance alone would rarely try."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from aiconsql.engine.dialect.url import parse_url
from aiconsql.engine.migrations import migrate
from tests.engine.migrating import run, write


def test_all_saw_the_same_file_pending(pg_empty_owner_url: str, tmp_path: Path) -> None:
    """B58: three that saw a file pending before one of them had the lock apply it once."""
    target = parse_url(pg_empty_owner_url)
    folder = write(tmp_path, {"0001.a": "CREATE TABLE a (id bigint);", "0002.b": "INSERT INTO a (id) VALUES (1);"})
    looked = threading.Barrier(3)

    def wait_for_all(name: str, *_: int) -> None:
        if name == "0001.a":
            looked.wait(30)

    with ThreadPoolExecutor(3) as threads:
        migrating = [threads.submit(migrate, target, folders=[folder], progress=wait_for_all) for _ in range(3)]
        applied = [name for one in migrating for name in one.result()]

    assert ["0001.a", "0002.b"] == sorted(applied)
    assert [(1,)] == run(target, "SELECT id FROM a")
