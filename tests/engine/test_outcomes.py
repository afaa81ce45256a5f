"""A connection that dies after a write was sent: nobody knows, until the same object is saved again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

import aiconsql
from aiconsql.aicon.store import AIcons
from aiconsql.engine.operation import Op, Plan, Query
from aiconsql.engine.queries import Catalogue, Statement
from aiconsql.testing import Server
from tests.servers.wire import Wire


@pytest.fixture
def pg_url(shared_pg_url: str) -> str:
    """A tenant of its own is enough here."""
    return shared_pg_url


@pytest.fixture
def url(pg_url: str) -> str:
    """These tests need no SQLite."""
    return pg_url


@pytest.fixture
def db(connect: Callable[..., Any], wire: Wire, pg_url: str) -> Any:
    """A database behind a wire, on both faces."""
    return connect(wire.url(pg_url))


@pytest.fixture
def entries(postgres_server: Server, engine_database: str, own_tenant: str) -> Callable[[], int]:
    """How many versions of the AIcon the history knows."""

    def count() -> int:
        query = "SELECT count(DISTINCT version) FROM history WHERE owner = 'ada' AND tenant_id = %s"
        with postgres_server.connect(engine_database) as owner:
            row = owner.execute(query, [own_tenant]).fetchone()
            assert row
            return int(row[0])

    return count


def agent() -> aiconsql.AIcon:
    """An AIcon with two factors and an update."""
    aicon = aiconsql.AIcon("Ada", id="ada")
    aicon.add_factor_continuous("rate", 0.5)
    aicon.add_factor_continuous("load", 0.5)
    aicon.record_update("born")
    return aicon


KEPT = pytest.mark.parametrize("executed", [True, False], ids=["kept", "lost"])


def save_in_doubt(db: Any, wire: Wire, aicon: aiconsql.AIcon, *, executed: bool) -> None:
    """Save, and lose the connection before the reply."""
    wire.cut_before_reply(executed=executed)
    with pytest.raises(aiconsql.OutcomeUnknown, match="lost after the write was sent"):
        db.aicons.save(aicon)


@KEPT
def test_a_new_one_is_written_once(db: Any, wire: Wire, entries: Callable[[], int], executed: bool) -> None:
    """B119: saving a new AIcon again after OutcomeUnknown writes it once."""
    aicon = agent()
    save_in_doubt(db, wire, aicon, executed=executed)

    assert 1 == db.aicons.save(aicon)
    assert 1 == entries()
    assert 1 == db.aicons.load("ada").run_stats.iterations
    assert ["born"] == [update.source for update in db.aicons.updates("ada")]


@KEPT
def test_a_change_is_written_once(db: Any, wire: Wire, entries: Callable[[], int], executed: bool) -> None:
    """B119: so does saving a changed one with new updates; its version moves by one."""
    aicon = agent()
    db.aicons.save(aicon)
    aicon.factors["rate"].value = 0.75
    aicon.state["turn"] = 1
    aicon.record_update("first")
    aicon.record_update("second")
    save_in_doubt(db, wire, aicon, executed=executed)

    assert 2 == db.aicons.save(aicon)
    assert 2 == entries()
    assert 3 == db.aicons.load("ada").run_stats.iterations == aicon.run_stats.iterations
    assert ["second", "first", "born"] == [update.source for update in db.aicons.updates("ada")]
    assert 2 == db.aicons.save(aicon)


@KEPT
def test_what_changed_since_is_written_too(db: Any, wire: Wire, entries: Callable[[], int], executed: bool) -> None:
    """B119: the object may have been changed between the two calls."""
    aicon = agent()
    db.aicons.save(aicon)
    aicon.record_update("first")
    aicon.factors["rate"].value = 0.75
    save_in_doubt(db, wire, aicon, executed=executed)
    aicon.record_update("second")
    aicon.factors["load"].value = 0.25

    assert (3 if executed else 2) == db.aicons.save(aicon) == entries()
    loaded = db.aicons.load("ada")
    assert [0.75, 0.25] == [loaded.factors[name].value for name in ("rate", "load")]
    assert 3 == loaded.run_stats.iterations
    assert ["second", "first", "born"] == [update.source for update in db.aicons.updates("ada")]


@KEPT
def test_another_client_in_between(
    db: Any, wire: Wire, pg_url: str, entries: Callable[[], int], executed: bool
) -> None:
    """B119: someone who changed something else meanwhile loses nothing and doubles nothing."""
    aicon = agent()
    db.aicons.save(aicon)
    aicon.factors["rate"].value = 0.75
    aicon.record_update("mine")
    save_in_doubt(db, wire, aicon, executed=executed)
    with aiconsql.connect(pg_url) as other:
        theirs = other.aicons.load("ada")
        theirs.factors["load"].value = 0.25
        theirs.record_update("theirs")
        other.aicons.save(theirs)
    db.aicons.save(aicon)

    loaded = db.aicons.load("ada")
    assert [0.75, 0.25] == [loaded.factors[name].value for name in ("rate", "load")]
    assert 3 == loaded.run_stats.iterations
    assert ["born", "mine", "theirs"] == sorted(update.source for update in db.aicons.updates("ada"))
    assert 3 == entries()


def test_another_client_on_the_same_factor(db: Any, wire: Wire, pg_url: str) -> None:
    """B119: a change of the same part is still a conflict, and the write in doubt is not repeated over it."""
    aicon = agent()
    db.aicons.save(aicon)
    aicon.factors["rate"].value = 0.75
    save_in_doubt(db, wire, aicon, executed=False)
    with aiconsql.connect(pg_url) as other:
        other.aicons.update_factor("ada", "rate", 0.25)
    with pytest.raises(aiconsql.Conflict, match="factor rate"):
        db.aicons.save(aicon)

    assert 0.25 == db.aicons.load("ada").factors["rate"].value


@KEPT
def test_twice_in_doubt(db: Any, wire: Wire, entries: Callable[[], int], executed: bool) -> None:
    """B119: losing the connection again, while finding out or while writing, changes nothing of it."""
    aicon = agent()
    save_in_doubt(db, wire, aicon, executed=executed)
    aicon.record_update("second")
    aicon.state["turn"] = 2
    wire.cut_before_reply(after=1)  # the first step asks, the second writes
    with pytest.raises(aiconsql.OutcomeUnknown):
        db.aicons.save(aicon)
    db.aicons.save(aicon)

    assert (2 if executed else 1) == entries()
    assert 2 == db.aicons.load("ada").run_stats.iterations


@KEPT
def test_a_transaction_in_doubt(db: Any, wire: Wire, entries: Callable[[], int], executed: bool) -> None:
    """B119: when the COMMIT of a block is in doubt, so is each object that it saved."""
    aicon = agent()
    with pytest.raises(aiconsql.OutcomeUnknown, match="commit"), db.transaction() as tx:  # noqa: PT012 - a block is what fails
        tx.aicons.save(aicon)
        wire.cut_before_reply(executed=executed)

    assert 1 == db.aicons.save(aicon)
    assert 1 == entries()
    assert 1 == db.aicons.load("ada").run_stats.iterations


@pytest.mark.parametrize("n", [1, 200, 2_000, 20_000, 60_000])
def test_cut_while_sending(db: Any, wire: Wire, n: int) -> None:
    """B119: cut in the middle of a write, at whatever byte: once, or an error and nothing."""
    aicon = agent()
    aicon.brain = {"weights": np.arange(10_000.0)}
    db.aicons.list()
    wire.cut_after_bytes(n)
    with suppress(aiconsql.OutcomeUnknown):
        db.aicons.save(aicon)
    wire.heal()

    assert 1 == db.aicons.save(aicon)
    assert 1 == db.aicons.load("ada").run_stats.iterations


def test_a_removal_in_doubt(db: Any, wire: Wire) -> None:
    """B119: other writes say OutcomeUnknown too, never Unavailable."""
    db.aicons.save(agent())
    wire.cut_before_reply()
    with pytest.raises(aiconsql.OutcomeUnknown):
        db.aicons.update_factor("ada", "rate", 0.75)
    wire.cut_before_reply()
    with pytest.raises(aiconsql.OutcomeUnknown):
        db.aicons.delete("ada")

    assert not db.aicons.delete("ada")


def test_the_servers_last_words(db: Any) -> None:
    """A server that is shut down while it writes says so: that is OutcomeUnknown too, and a read is tried again."""
    db.aicons.save(agent())

    def kill_myself() -> Op[Any]:
        return (yield Query("test.kill", {}, last=True))

    text = "SELECT pg_terminate_backend(pg_backend_pid()) AS gone"
    statement = Statement("test.kill", "", "rows", {}, text, (("gone", "boolean"),), ())
    known = Catalogue.__getitem__
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            Catalogue, "__getitem__", lambda self, name: statement if name == "test.kill" else known(self, name)
        )
        with pytest.raises(aiconsql.OutcomeUnknown):
            db.run(kill_myself)
        with pytest.raises(aiconsql.Unavailable, match="lost before anything was kept"):
            db.run(kill_myself, reads=True)

    assert 1 == len(db.aicons.list())


@KEPT
def test_a_composed_save_in_doubt(db: Any, wire: Wire, entries: Callable[[], int], executed: bool) -> None:
    """B119: each save of an operation that is made of several is known by its own write id."""
    plan: AIcons[Plan] = AIcons(Plan(db.place))
    other, aicon = aiconsql.AIcon("Eve", id="eve"), aiconsql.AIcon("Ada", id="ada")

    def both() -> Op[list[int]]:
        return [(yield from plan.save(other)), (yield from plan.save(aicon))]

    wire.cut_before_reply(executed=executed, after=2)
    with pytest.raises(aiconsql.OutcomeUnknown):
        db.run(both)

    assert [1, 1] == db.run(both)
    assert 1 == entries()
