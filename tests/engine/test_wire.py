"""What travels to PostgreSQL: round trips and bytes of the public operations, counted on the wire."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import aiconsql
from aiconsql.engine.operation import Op, Query
from tests.servers.wire import Wire

RANDOM = np.random.default_rng(7)


@pytest.fixture
def pg_url(shared_pg_url: str) -> str:
    """A tenant of its own is enough here."""
    return shared_pg_url


@pytest.fixture
def db(wire: Wire, connect: Callable[..., Any], pg_url: str) -> Any:
    """A database on the other side of the wire, on both faces."""
    return connect(wire.url(pg_url))


@pytest.fixture
def url(pg_url: str) -> str:
    """These tests need no SQLite."""
    return pg_url


def agent(factors: int, samples: int) -> aiconsql.AIcon:
    """An AIcon with random samples."""
    aicon = aiconsql.AIcon("Ada")
    for i in range(factors):
        aicon.add_factor_continuous(f"factor{i}", RANDOM.random(), samples=RANDOM.random(samples))
    return aicon


def renew(aicon: aiconsql.AIcon) -> None:
    """Give it other contents everywhere."""
    for factor in aicon.factors.values():
        assert factor.samples is not None
        factor.value, factor.samples = RANDOM.random(), RANDOM.random(len(factor.samples))
    for name, array in aicon.brain.items():
        aicon.brain[name] = RANDOM.random(array.shape, dtype=array.dtype)
    aicon.state["turn"] = aicon.state.get("turn", 0) + 1


def n_steps(n: int) -> Callable[[], Op[None]]:
    """An operation that asks n times."""

    def run() -> Op[None]:
        for i in range(n):
            yield Query("aicons.find_by_name", {"name": "Ada", "after_id": "", "limit_n": 1}, last=i == n - 1)

    return run


def test_one_step_is_one_round_trip(db: Any, wire: Wire) -> None:
    """B102: each public operation is one trip, tenant and timeouts included; an unchanged save is none."""
    aicon = agent(100, 10)
    other = agent(5, 10)
    trips = {}

    def count(name: str, call: Callable[[], Any]) -> None:
        with wire.count() as n:
            call()
        trips[name] = n.round_trips

    count("new", lambda: db.aicons.save(aicon))
    count("unchanged", lambda: db.aicons.save(aicon))
    renew(aicon)
    count("all 100 factors", lambda: db.aicons.save(aicon))
    aicon.factors["factor3"].value = 2.0
    count("one factor", lambda: db.aicons.save(aicon))
    aicon.record_update("test")
    count("an update", lambda: db.aicons.save(aicon))
    del aicon.factors["factor4"]
    count("a factor less", lambda: db.aicons.save(aicon))
    count("another new", lambda: db.aicons.save(other))
    count("load", lambda: db.aicons.load(aicon.id))
    count("update_factor", lambda: db.aicons.update_factor(aicon.id, "factor1", 5.0))
    count("list", db.aicons.list)
    count("find", lambda: db.aicons.find("Ada"))
    count("updates", lambda: db.aicons.updates(aicon.id))
    count("query", lambda: db.query("aicons.find_by_name", name="Ada", after_id="", limit_n=1))
    count("delete", lambda: db.aicons.delete(aicon.id))

    assert {name: 0 if name == "unchanged" else 1 for name in trips} == trips


@pytest.mark.parametrize("n", [1, 2, 5])
def test_n_steps_are_n_round_trips(db: Any, wire: Wire, n: int) -> None:
    """B102: an operation of n steps makes n trips, BEGIN and COMMIT included."""
    run = db.run
    with wire.count() as count:
        run(n_steps(n))

    assert n == count.round_trips


def test_first_use_adds_no_trip(wire: Wire, pg_url: str, connect: Callable[..., Any]) -> None:
    """B102: preparing on a fresh connection costs nothing but bytes."""
    db = connect(wire.url(pg_url))
    db.aicons.save(agent(2, 10))
    wire.cut()
    with wire.count() as fresh:
        db.aicons.list()
    wire.cut()
    with wire.count() as bare:
        db.query("migrations.find_applied")

    assert 1 == fresh.connections
    assert bare.round_trips == fresh.round_trips


def test_a_transaction_costs_one_trip_for_its_commit(db: Any, wire: Wire) -> None:
    """A block of two saves is two trips and one for COMMIT; BEGIN travels with the first."""
    one, two = agent(1, 10), agent(1, 10)
    with wire.count() as count, db.transaction() as tx:
        tx.aicons.save(one)
        tx.aicons.save(two)

    assert 3 == count.round_trips


STATES = {"small": (5, 240, 1.25), "medium": (20, 620, 1.10), "large": (100, 1280, 1.06), "brain": (20, 620, 1.01)}


@pytest.mark.parametrize("state", STATES)
def test_bytes_of_a_full_save(db: Any, wire: Wire, state: str) -> None:
    """B102: a full save sends little more than the payload itself."""
    factors, samples, limit = STATES[state]
    aicon = agent(factors, samples)
    if state == "brain":
        aicon.brain = {"weights": RANDOM.random(1_225_000, dtype=np.float32)}
    db.aicons.save(aicon)
    renew(aicon)
    with wire.count() as count:
        db.aicons.save(aicon)
    payload = factors * samples * 8 + sum(array.nbytes for array in aicon.brain.values())
    print(f"{state}: {count.bytes_up} bytes for {payload}: {count.bytes_up / payload:.4f}")

    assert count.bytes_up / payload <= limit


def test_bytes_of_a_delta_save(db: Any, wire: Wire) -> None:
    """B102: a save of one changed factor of 100 sends less than 2 % of a full save's bytes."""
    aicon = agent(100, 1280)
    db.aicons.save(aicon)
    renew(aicon)
    with wire.count() as full:
        db.aicons.save(aicon)
    factor = aicon.factors["factor7"]
    factor.samples = RANDOM.random(1280)
    with wire.count() as delta:
        db.aicons.save(aicon)
    print(f"delta: {delta.bytes_up} of {full.bytes_up}: {delta.bytes_up / full.bytes_up:.4f}")

    assert delta.bytes_up / full.bytes_up < 0.02
