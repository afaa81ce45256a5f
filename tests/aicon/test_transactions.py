"""Several AIcons in one transaction, and saves whose outcome nobody knows: the objects know what is stored."""

# ruff: noqa: PT012 - it is the block that fails

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import numpy as np
import pytest

from aiconsql import AIcon, Conflict, OutcomeUnknown
from aiconsql.aicon.image import image_of
from tests.aicon.sameness import assert_same_aicon, rich_aicon


class Undone(Exception):
    """What ends a block in these tests."""


def test_a_transaction_is_rolled_back_whole(db, look):
    """B103: new, changed and removed AIcons of a block that fails are as before, in the database and as objects."""
    old, doomed, new = rich_aicon("old"), AIcon("doomed", id="doomed"), rich_aicon("new")
    db.aicons.save(old)
    db.aicons.save(doomed)
    stored = [look(f"SELECT * FROM {table}") for table in ("aicons", "factors", "aicon_updates", "history")]
    old.state["turn"] = 9
    old.record_update("in doubt")
    with pytest.raises(Undone), db.transaction() as tx:
        beside = tx.aicons.load("old")
        beside.record_update("beside")
        tx.aicons.save(beside)
        tx.aicons.save(old)
        tx.aicons.save(new)
        tx.aicons.delete("doomed")
        tx.aicons.update_factor("old", "mood", "tense")
        assert (3, 1, 4) == (old.version, new.version, old.run_stats.iterations)
        raise Undone

    assert stored == [look(f"SELECT * FROM {table}") for table in ("aicons", "factors", "aicon_updates", "history")]
    assert (1, 0, 3, 2) == (old.version, new.version, old.run_stats.iterations, new.run_stats.iterations)
    assert [1, 2, None] == [update.iteration for update in old.run_stats.updates]
    assert (2, 1) == (db.aicons.save(old), db.aicons.save(new))
    assert_same_aicon(old, db.aicons.load("old"))
    assert_same_aicon(new, db.aicons.load("new"))


def test_what_was_recorded_meanwhile_stays(db, ada):
    """Updates recorded and changes made after a save that was rolled back are stored with those before it, in order."""
    ada.record_update("before")
    with pytest.raises(Undone), db.transaction() as tx:
        tx.aicons.save(ada)
        ada.record_update("between")
        ada.factors["rate"].value = 0.25
        tx.aicons.save(ada)
        ada.record_update("after")
        raise Undone
    db.aicons.save(ada)

    assert ["before", "between", "after"] == [update.source for update in db.aicons.load("ada").run_stats.updates]
    assert 3 == ada.run_stats.iterations
    assert_same_aicon(ada, db.aicons.load("ada"))


def test_a_transaction_is_committed_whole(db):
    """Several saves of several AIcons, with a load between them that sees them."""
    one, two = rich_aicon("one"), AIcon("two", id="two")
    with db.transaction() as tx:
        tx.aicons.save(one)
        one.state["turn"] = 4
        tx.aicons.save(two)
        tx.aicons.save(one)
        assert_same_aicon(one, tx.aicons.load("one"))

    assert (2, 1) == (one.version, two.version)
    assert_same_aicon(one, db.aicons.load("one"))
    assert [2, 1] == [db.aicons.save(one), db.aicons.save(two)]


def test_a_conflict_undoes_the_block(db, ada):
    """B103: the AIcon saved before the conflict is not stored, and can be saved again."""
    stale, new = db.aicons.load("ada"), AIcon("new", id="new")
    ada.state["turn"] = 2
    db.aicons.save(ada)
    stale.state["turn"] = 3
    with pytest.raises(Conflict), db.transaction() as tx:
        tx.aicons.save(new)
        tx.aicons.save(stale)

    assert 0 == new.version
    assert [] == db.aicons.find("new")
    assert 1 == db.aicons.save(new)


def test_the_object_goes_on_after_a_rollback(db, ada):
    """A second failure, and a third, are as the first."""
    for turn in range(3):
        with pytest.raises(Undone), db.transaction() as tx:
            ada.state["turn"] = turn
            tx.aicons.save(ada)
            raise Undone
    ada.state["turn"] = 10

    assert 2 == db.aicons.save(ada)
    assert {"turn": 10} == db.aicons.load("ada").state


CHANGES = {
    "new": lambda _: None,
    "own columns": lambda aicon: aicon.state.update(turn=2),
    "a factor": lambda aicon: setattr(aicon.factors["rate"], "value", 0.25),
    "an update": lambda aicon: aicon.record_update("in doubt"),
    "everything": lambda aicon: (
        aicon.state.update(turn=2),
        aicon.brain.update(weights=np.arange(9000)),
        aicon.record_update("in doubt"),
    ),
}


on_postgresql = pytest.mark.parametrize("backend", ["postgresql"], indirect=True)


@on_postgresql
@pytest.mark.parametrize("executed", [True, False], ids=["it happened", "it did not"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_save_in_doubt_happens_once(connect, wire, pg_url, face, change, executed):
    """B119: the connection dies after the save was sent: OutcomeUnknown; saved again, it happened once."""
    db, beside = connect(wire.url(pg_url)), connect(pg_url)
    aicon = rich_aicon("ada")
    if change != "new":
        beside.aicons.save(aicon)
        CHANGES[change](aicon)
    expected = aicon.version + 1
    db.aicons.list()
    wire.cut_before_reply(executed=executed)
    with pytest.raises(OutcomeUnknown):
        db.aicons.save(aicon)

    assert expected == db.aicons.save(aicon) == beside.aicons.load("ada").version
    assert expected == db.aicons.save(aicon)
    assert_same_aicon(aicon, beside.aicons.load("ada"))


@on_postgresql
def test_a_save_in_doubt_goes_on(connect, wire, pg_url, face):
    """B119: what changed between the doubtful save and the next one is stored beside it, and each update once."""
    db, beside = connect(wire.url(pg_url)), connect(pg_url)
    aicon = rich_aicon("ada")
    beside.aicons.save(aicon)
    for turn in range(4):
        db.aicons.list()
        # From the second turn on a question goes in front of the save, in a step of its own.
        wire.cut_before_reply(executed=turn % 2 == 0, after=min(turn, 1))
        aicon.state["turn"] = turn
        aicon.factors["tries"].value += 1
        aicon.record_update(f"turn {turn}")
        with pytest.raises(OutcomeUnknown):
            db.aicons.save(aicon)
    aicon.record_update("last")
    db.aicons.save(aicon)
    found = beside.aicons.load("ada")

    assert 7 == len(found.run_stats.updates)
    assert_same_aicon(aicon, found)


@on_postgresql
def test_a_save_still_going_on_is_waited_for(connect, wire, pg_url, postgres_server, pg_database, face):
    """B119: the server is still at the save when the client, cut off, saves again: it waits, and it happened once."""
    db, aicon = connect(wire.url(pg_url)), rich_aicon("ada")
    db.aicons.save(aicon)
    aicon.brain["more"] = np.arange(999.0)
    aicon.record_update("in doubt")
    said = len(postgres_server.log())
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"

    with ExitStack() as stack:
        watch, hold = (stack.enter_context(postgres_server.connect(pg_database)) for _ in range(2))
        hold.autocommit = False
        for address in image_of(aicon).rows["binary_data"]["brain"].parts:
            # Whoever stores the same part waits for us.
            insert = "INSERT INTO parts (tenant_id, hash, codec, bytes) VALUES ('default', %s, 0, '')"
            hold.execute(f"{insert} ON CONFLICT DO NOTHING", [address])
        pool = stack.enter_context(ThreadPoolExecutor(2))

        def saving(expected):
            saved = pool.submit(db.aicons.save, aicon)
            while watch.execute(waiting).fetchone() != (expected,) and not saved.done():
                time.sleep(0.005)
            return saved

        first = saving(1)
        time.sleep(0.1)  # what comes behind the waiting statement is on its way
        wire.cut()
        with pytest.raises(OutcomeUnknown):
            first.result()
        second = saving(2)
        hold.rollback()
        assert 2 == second.result()
    # In another order one would wait for the row, the other for the part.
    assert "deadlock detected" not in postgres_server.log()[said:]
    assert_same_aicon(aicon, db.aicons.load("ada"))


@on_postgresql
def test_a_save_in_doubt_beside_others(connect, wire, pg_url, face):
    """B112, B119: what others saved after the doubtful save is not taken for known."""
    db, beside = connect(wire.url(pg_url)), connect(pg_url)
    aicon = rich_aicon("ada")
    beside.aicons.save(aicon)
    aicon.factors["rate"].value = 0.25
    db.aicons.list()
    wire.cut_before_reply()
    with pytest.raises(OutcomeUnknown):
        db.aicons.save(aicon)
    other = beside.aicons.load("ada")
    other.state["turn"] = 100
    other.factors["mood"].value = "tense"
    other.record_update("other")
    beside.aicons.save(other)
    aicon.factors["tries"].value = 5
    assert 4 == db.aicons.save(aicon)

    aicon.state["turn"] = 50
    with pytest.raises(Conflict):
        db.aicons.save(aicon)
    found = beside.aicons.load("ada")
    assert (100, 0.25, "tense", 5) == (
        found.state["turn"], found.factors["rate"].value, found.factors["mood"].value, found.factors["tries"].value,
    )  # fmt: skip
