"""A save that is killed at any moment leaves the old state or the new one."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing

import pytest

from aiconsql.engine.dialect.url import parse_url
from tests.aicon.killed import generation

KILLS = 1_000 if os.environ.get("AICONSQL_SOAK") else 50


class Saver:
    """The process of killed.py, and what its children said."""

    def __init__(self, url):
        command = [sys.executable, "-m", "tests.aicon.killed", url]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()

    def live_and_die(self, chance):
        """Start a child and kill it at a random moment of a random save; its words."""
        self.process.stdin.write("live\n")
        self.process.stdin.flush()
        pid, words = None, []
        saves = chance.randint(1, 3)
        for line in self.process.stdout:
            word, *number = line.split()
            if word.isdigit():
                pid = int(word)
            elif word == "gone":
                return words
            else:
                words.append((word, int(number[0])))
                saves -= word == "saving"
            if pid and saves == 0:
                saves = -1
                time.sleep(chance.uniform(0, 0.012))
                os.kill(pid, signal.SIGKILL)
        raise AssertionError(words)


@pytest.mark.soak
@pytest.mark.parametrize("face", ["blocking"], indirect=True)
def test_a_killed_save_is_whole_or_not_at_all(db, url, look, backend):
    """B115: after each SIGKILL the AIcon is the last acknowledged state or the one being saved, complete."""
    chance, found = random.Random(5), Counter()
    acknowledged = 0
    with Saver(url) as saver:
        for _ in range(KILLS):
            words = saver.live_and_die(chance)
            acknowledged = max([acknowledged, *(number for word, number in words if word != "saving")])
            saving = max([acknowledged, *(number for word, number in words if word == "saving")])
            # The server goes on with what it was sent; from the next child on it is seen.
            stored = generation(db.aicons.load("killed")) if words and (acknowledged or saving) and _exists(db) else 0
            found[stored - acknowledged] += 1
            assert acknowledged <= stored <= saving
            acknowledged = stored
    versions = [row[0] for row in look("SELECT DISTINCT version FROM history WHERE owner = 'killed' ORDER BY version")]

    print(f"{backend}: of {KILLS} killed saves {found[0]} were found not at all or acknowledged, {found[1]} whole")
    assert KILLS == found[0] + found[1]
    assert list(range(1, db.aicons.load("killed").version + 1)) == versions
    assert [] == look("SELECT version FROM history WHERE owner = 'killed' GROUP BY version HAVING count(*) <> 15")
    if backend == "sqlite":
        with closing(sqlite3.connect(str(parse_url(url).path))) as connection:
            assert [("ok",)] == connection.execute("PRAGMA integrity_check").fetchall()


def _exists(db):
    return bool(db.aicons.find("killed"))
