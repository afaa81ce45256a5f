"""PgBouncer in transaction mode: tenants, schemas and prepared statements go with each unit, not with a connection."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import aiconsql
from aiconsql.testing import Server
from tests.servers.pgbouncer import PgBouncer


@pytest.fixture(params=["", "?prepare=off"], ids=["prepare", "prepare=off"])
def url(request: pytest.FixtureRequest, pgbouncer: PgBouncer, pg_database: str) -> str:
    """A database through the pooler, which has two connections to the server."""
    return pgbouncer.url(pg_database) + str(request.param)


def agent(id: str, name: str = "Ada") -> aiconsql.AIcon:
    """An AIcon with a factor and something large."""
    aicon = aiconsql.AIcon(name, id=id)
    aicon.add_factor_continuous("rate", 0.5)
    aicon.brain = {"weights": bytes(5_000), "of": name}
    return aicon


def test_everything_works(connect: Callable[..., Any], url: str) -> None:
    """Save, load, conflict, transaction and delete."""
    db, other = connect(url), connect(url)
    aicon = agent("ada")
    db.aicons.save(aicon)
    late = other.aicons.load("ada")
    aicon.factors["rate"].value = 0.75
    assert 2 == db.aicons.save(aicon)
    late.factors["rate"].value = 0.25
    with pytest.raises(aiconsql.Conflict, match="factor rate"):
        other.aicons.save(late)
    db.attempts(lambda tx: (tx.aicons.update_factor("ada", "rate", 0.1), tx.aicons.save(agent("eve"))))

    assert 0.1 == other.aicons.load("ada").factors["rate"].value
    assert db.aicons.delete("eve")


def test_tenants_take_turns(url: str, pgbouncer: PgBouncer) -> None:
    """Eight tenants with the same ids share two server connections: each reads what it wrote, hundreds of times."""

    def work(n: int) -> int:
        with aiconsql.connect(url, tenant=f"tenant{n}", actor=f"actor{n}") as db:
            aicon = agent("ada", f"name{n}")
            for turn in range(1, 26):
                aicon.state["turn"] = turn
                db.aicons.save(aicon)
                loaded = db.aicons.load("ada")
                assert (f"name{n}", turn, f"name{n}") == (loaded.name, loaded.state["turn"], loaded.brain["of"])
                assert ["ada"] == [summary.id for summary in db.aicons.list()]
            return aicon.version

    with ThreadPoolExecutor(8) as threads:
        assert [25] * 8 == list(threads.map(work, range(8)))
    assert (1, 0) < pgbouncer.version


def test_old_poolers_are_noticed(pgbouncer: PgBouncer, pg_database: str) -> None:
    """Before 1.21 it mixes prepared statements up: the pool stops preparing by itself, and no call fails."""
    url = pgbouncer.url(pg_database)
    with aiconsql.connect(url) as one, aiconsql.connect(url) as two, ThreadPoolExecutor(8) as threads:
        turns = [(n, (one, two)[n % 2]) for n in range(40)]
        list(threads.map(lambda turn: turn[1].aicons.save(agent(f"{turn[0]}")), turns))
        found = one.aicons.list(limit=1_000)
        still = [db._runner.pool.preparing.on for db in (one, two)]

    assert 40 == len(found)
    assert (pgbouncer.version >= (1, 21)) == all(still)


def test_a_transaction_says_what_to_do(pgbouncer: PgBouncer, pg_database: str) -> None:
    """A block is not retried by us: it says what the matter is, and the next one works."""
    if pgbouncer.version >= (1, 21):
        pytest.skip(f"PgBouncer {pgbouncer.version} keeps prepared statements apart")
    url = pgbouncer.url(pg_database)
    with aiconsql.connect(url), aiconsql.connect(url) as two:
        two._runner.pool.preparing.on = True
        two._runner.pool.idle.close()  # a new connection of ours, on the same one of the server's
        with (
            pytest.raises(aiconsql.Unavailable, match="does not keep prepared statements apart") as caught,
            two.transaction() as tx,
        ):
            tx.query("migrations.find_applied")
        with two.transaction() as tx:
            assert [] == tx.aicons.list()

    assert "add ?prepare=off to the URL" == caught.value.hint


def test_names_tell_their_statement(pg_url: str) -> None:
    """The same name is the same statement on every connection, so that a pooler cannot make one run another's."""
    with aiconsql.connect(pg_url) as one, aiconsql.connect(pg_url) as two:
        one.aicons.list()
        one.aicons.save(agent("ada"))
        two.aicons.load("ada")
        two.aicons.list()
        known = [
            {name: key[0] for key, name in db._runner.pool.idle._kept[0][1]._prepared._names.items()}
            for db in (one, two)
        ]

    shared = known[0].keys() & known[1].keys()
    assert len(shared) > 2
    assert all(known[0][name] == known[1][name] for name in shared)


def test_schemas_travel(postgres_server: Server, pgbouncer: PgBouncer) -> None:
    """`schema=` goes with each unit: two schemas through the same server connections never meet."""
    name = postgres_server.create_database()
    schemas = ("east", "west")
    for schema in schemas:
        aiconsql.initialize_database(postgres_server.url(name, role="owner"), schema=schema)

    def work(n: int) -> set[str]:
        schema = schemas[n % 2]
        with aiconsql.connect(f"{pgbouncer.url(name)}?prepare=off", schema=schema) as db:
            for turn in range(20):
                db.aicons.save(agent(f"{n}.{turn}", schema))
            return {summary.name for summary in db.aicons.each(page=7)}

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(work, range(4)))

    assert [{"east"}, {"west"}] * 2 == found
