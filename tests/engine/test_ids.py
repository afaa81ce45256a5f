"""Ids that a client makes: unique, and in the order of their time."""

from __future__ import annotations

import time
import uuid

from aiconsql.engine.ids import new_id


def test_an_id_is_a_uuid_of_version_7():
    """RFC 9562: the milliseconds, version 7, the variant, and chance."""
    before = time.time_ns() // 1_000_000
    made = uuid.UUID(new_id())

    assert (7, uuid.RFC_4122) == (made.version, made.variant)
    assert before <= made.int >> 80 <= time.time_ns() // 1_000_000


def test_ids_are_unique_and_follow_time():
    """Ten thousand in a row differ; one made a millisecond later is greater as text."""
    made = [new_id() for _ in range(10_000)]
    time.sleep(0.002)

    assert 10_000 == len(set(made))
    assert max(made) < new_id()
