"""Promises of the dialect that only show on the whole way through a database, on both."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta, timezone
from typing import Any

import pytest

from aiconsql import AIcon, Refused
from tests.aicon.conftest import look_at


@pytest.fixture
def stored(url: str) -> Callable[[], list[bytes]]:
    """The bytes of all parts, read behind aiconsql's back."""
    return lambda: [bytes(content) for (content,) in look_at(url, "SELECT bytes FROM parts")]


def test_an_ignored_insert_counts_nothing(db: Any, stored: Callable[[], list[bytes]]) -> None:
    """B8: storing a part that is there counts 0 and leaves it as it is; a NULL without a place is refused on both."""
    one, two = (hashlib.sha256(text).digest() for text in (b"one", b"two"))
    counts = [db.query("parts.add", hashes=[one], codecs=[0], bytes=[text]) for text in (b"one", b"other")]
    with pytest.raises(Refused, match=r"^parts\.add: "):
        db.query("parts.add", hashes=[two], codecs=[0], bytes=[None])

    assert [1, 0] == counts
    assert [b"one"] == stored()


@pytest.mark.parametrize("hours", [-11, 0, 5.5, 14])
def test_moments_select_the_same_rows(db: Any, hours: float) -> None:
    """B14: a moment means the same, whatever the offset it is written with."""
    for name in ("first", "second", "third"):
        db.aicons.save(AIcon(name))
    middle = db.aicons.list()[1]
    elsewhere = middle.last_updated.astimezone(timezone(timedelta(hours=hours)))

    assert ["first"] == [one.name for one in db.aicons.list(after=replace(middle, last_updated=elsewhere))]
