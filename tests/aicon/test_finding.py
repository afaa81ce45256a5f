"""Lists of AIcons and of their updates, in pages."""

from __future__ import annotations

from functools import partial

import pytest

from aiconsql import AIcon, InvalidValue, NotFound


@pytest.fixture
def seven(db):
    """Seven AIcons, the last one saved last; every third is a walker, the others talk."""
    for number in range(7):
        db.aicons.save(AIcon(f"name {number % 2}", "walker" if number % 3 == 0 else "talker", id=f"id{number}"))


def ids(summaries):
    """Their ids."""
    return [summary.id for summary in summaries]


def test_nothing_is_an_empty_list(db):
    """Nothing stored, nothing found; what is loaded by its id is told."""
    assert [] == db.aicons.list() == db.aicons.find("Ada") == list(db.aicons.each()) == db.aicons.updates("ada")
    assert [] == db.aicons.list(aicon_type="base")
    with pytest.raises(NotFound, match=r"^aicon ada: not found$"):
        db.aicons.load("ada")


def test_the_last_changed_comes_first(db, seven):
    """Newest change first, of all and of one type; a change moves an AIcon to the front."""
    assert [f"id{number}" for number in (6, 5, 4, 3, 2, 1, 0)] == ids(db.aicons.list())
    moved = db.aicons.load("id3")
    moved.record_update()
    db.aicons.save(moved)

    assert ["id3", "id6", "id5"] == ids(db.aicons.list(limit=3))
    assert ["id3", "id6", "id0"] == ids(db.aicons.list(aicon_type="walker"))
    assert [] == db.aicons.list(aicon_type="walk")
    assert [] == db.aicons.list(limit=0)


def test_a_summary_tells_what_is_stored(db, ada):
    """Id, name, type, version, iterations and both times."""
    ada.record_update()
    db.aicons.save(ada)
    (one,) = db.aicons.list()

    assert ("ada", "Ada", "base", 2, 1) == (one.id, one.name, one.aicon_type, one.version, one.iterations)
    assert (ada.created_at, ada.last_updated) == (one.created_at, one.last_updated)


def test_pages_follow_each_other(db, seven):
    """Page by page behind the last one of the page before: each once, and then none."""
    for kind, expected in (
        (None, ["id6", "id5", "id4", "id3", "id2", "id1", "id0"]),
        ("talker", ["id5", "id4", "id2", "id1"]),
    ):
        found, last = [], None
        while page := db.aicons.list(aicon_type=kind, limit=2, after=last):
            found += ids(page)
            last = page[-1]
        assert expected == found == ids(db.aicons.each(aicon_type=kind, page=2))
        assert expected == ids(db.aicons.each(aicon_type=kind, page=1)) == ids(db.aicons.each(aicon_type=kind))


def test_a_name_is_found_whole(db, seven):
    """Exactly this name, by id, in pages; not a part of it."""
    first = db.aicons.find("name 1", limit=2)

    assert ["id1", "id3"] == ids(first)
    assert ["id5"] == ids(db.aicons.find("name 1", after=first[-1]))
    assert [] == db.aicons.find("name") == db.aicons.find("NAME 1")


def test_updates_come_newest_first(db):
    """With their number, source, outcome and metadata, in pages."""
    aicon = AIcon("Ada", id="ada")
    recorded = [aicon.record_update(f"s{number}", number != 2, {"n": (number,)}) for number in range(1, 6)]
    db.aicons.save(aicon)

    assert recorded[::-1] == db.aicons.updates("ada")
    assert [5, 4, 3, 2, 1] == [update.iteration for update in db.aicons.updates("ada")]
    assert recorded[1:3][::-1] == db.aicons.updates("ada", limit=2, before=4)
    assert [] == db.aicons.updates("ada", before=1) == db.aicons.updates("eve")


def test_a_limit_is_a_whole_number(db, seven):
    """The same refusal on both databases, one of which takes a negative limit for none at all."""
    for limit in (-1, 1.5, "2", None, True, 2**63):
        for ask in (db.aicons.list, partial(db.aicons.find, "name 1"), partial(db.aicons.updates, "id1")):
            with pytest.raises(InvalidValue, match=r"^limit: "):
                ask(limit=limit)
        with pytest.raises(InvalidValue, match=r"^page: "):
            list(db.aicons.each(page=limit))
    with pytest.raises(InvalidValue):
        list(db.aicons.each(page=0))
