"""Explicit transactions: whole or not at all, and only for the thread or task that opened them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

import aiconsql
from aiconsql.engine.unit import Again


@pytest.fixture
def pg_url(shared_pg_url: str) -> str:
    """A tenant of its own is enough here."""
    return shared_pg_url


def agent(name: str) -> aiconsql.AIcon:
    """An AIcon with one factor."""
    aicon = aiconsql.AIcon(name, id=name)
    aicon.add_factor_continuous("rate", 0.5, lower_bound=0, upper_bound=1)
    return aicon


def names(db: Any) -> list[str]:
    """The names of all stored AIcons."""
    return sorted(summary.name for summary in db.aicons.list())


def test_two_calls_are_kept_together(db: Any) -> None:
    """B103: what the block did is there when it has ended."""
    with db.transaction() as tx:
        tx.aicons.save(agent("one"))
        tx.aicons.save(agent("two"))
        assert ["one", "two"] == names(tx)

    assert ["one", "two"] == names(db)


def test_an_error_undoes_the_first_call(db: Any) -> None:
    """B103: when the second call fails, the first is undone, and the object knows it."""
    one = agent("one")
    with pytest.raises(aiconsql.InvalidValue, match="above 1"), db.transaction() as tx:  # noqa: PT012 - a block is what fails
        tx.aicons.save(one)
        tx.aicons.update_factor("one", "rate", 2)

    assert [] == names(db)
    assert 0 == one.version
    assert 1 == db.aicons.save(one)


def test_an_exception_of_the_block_undoes_it(db: Any) -> None:
    """B103: also one that has nothing to do with the database."""
    with pytest.raises(ZeroDivisionError), db.transaction() as tx:  # noqa: PT012 - a block is what fails
        tx.aicons.save(agent("one"))
        _ = 1 / 0

    assert [] == names(db)


def test_a_block_cannot_go_on_after_an_error(db: Any) -> None:
    """B103: who catches the error inside gets Misuse on the next call and at the end, never half of the block."""
    with pytest.raises(aiconsql.Misuse, match="went on after an error"), db.transaction() as tx:  # noqa: PT012 - a block is what fails
        tx.aicons.save(agent("one"))
        with pytest.raises(aiconsql.NotFound):
            tx.aicons.update_factor("nobody", "rate", 0.1)
        with pytest.raises(aiconsql.Misuse, match="undone by an error"):
            tx.aicons.save(agent("two"))

    assert [] == names(db)


def test_a_load_that_finds_nothing_undoes_nothing(db: Any) -> None:
    """Looking first and creating then is one transaction."""
    with db.transaction() as tx:
        tx.aicons.save(agent("one"))
        with pytest.raises(aiconsql.NotFound):
            tx.aicons.load("two")
        tx.aicons.save(agent("two"))

    assert ["one", "two"] == names(db)


def test_a_value_that_cannot_be_stored_undoes_nothing(db: Any) -> None:
    """It is found before anything is asked."""
    unfit = agent("unfit")
    unfit.state["call"] = print
    with db.transaction() as tx:
        tx.aicons.save(agent("one"))
        with pytest.raises(aiconsql.InvalidValue):
            tx.aicons.save(unfit)

    assert ["one"] == names(db)


def test_a_transaction_is_over_at_its_end(db: Any) -> None:
    """What keeps the object gets an error."""
    with db.transaction() as tx:
        tx.aicons.save(agent("one"))
    with pytest.raises(aiconsql.Misuse, match="is over"):
        tx.aicons.list()


def test_a_transaction_has_no_inner_life(db: Any) -> None:
    """No transaction, tenant, migration or close inside: each says so."""
    with db.transaction() as tx:
        with pytest.raises(aiconsql.Misuse, match="not inside a transaction"):
            tx.for_tenant("beta")
        with pytest.raises(aiconsql.Misuse, match="not inside a transaction"):
            tx.migrate()
        with pytest.raises(aiconsql.Misuse, match="not inside a transaction"):
            tx.close()
        with pytest.raises(aiconsql.Misuse, match="not inside a transaction"), tx.transaction():
            pass


def test_another_thread_cannot_use_it(db: Any) -> None:
    """B120: a thread, or a task, that was started inside gets an error at once, and nothing of its write stays."""
    caught: list[BaseException] = []

    def meddle(tx: Any) -> None:
        try:
            tx.aicons.save(agent("meddler"))
        except aiconsql.Misuse as error:
            caught.append(error)

    with db.transaction() as tx:
        tx.aicons.save(agent("one"))
        thread = threading.Thread(target=meddle, args=[tx])
        thread.start()
        thread.join()

    assert "by another t" in str(caught[0])
    assert ["one"] == names(db)


@pytest.mark.asyncio
async def test_a_task_started_inside_cannot_use_it(url: str) -> None:
    """B120: a task of the same loop gets an error at once, never somebody else's transaction."""
    async with aiconsql.aconnect(url) as db:
        async with db.transaction() as tx:
            await tx.aicons.save(agent("one"))
            with pytest.raises(aiconsql.Misuse, match="another task"):
                await asyncio.create_task(tx.aicons.save(agent("meddler")))
            with pytest.raises(aiconsql.Misuse, match="another task"):
                await asyncio.gather(tx.aicons.list())

        assert ["one"] == [summary.name for summary in await db.aicons.list()]


@pytest.mark.parametrize(
    "use", [lambda db: db.aicons.list(), lambda db: db.aicons.save(agent("two"))], ids=["reading", "writing"]
)
@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_sqlite_refuses_the_database_inside(db: Any, use: Callable[[Any], Any]) -> None:
    """B120: where it would wait for itself forever, an error comes at once."""
    with db.transaction() as tx:
        tx.aicons.save(agent("one"))
        with pytest.raises(aiconsql.Misuse, match="inside its own transaction"):
            use(db)
        tx.aicons.save(agent("three"))

    assert ["one", "three"] == names(db)


@pytest.mark.asyncio
async def test_an_async_database_belongs_to_its_loop(url: str) -> None:
    """B120: another loop gets an error at once, whatever it calls."""
    db = await aiconsql.aconnect(url)
    calls: list[Callable[[], Any]] = [db.aicons.list, db.close, db.for_tenant("beta").aicons.list]

    def elsewhere(call: Callable[[], Any]) -> str:
        async def use() -> str:
            with pytest.raises(aiconsql.Misuse) as caught:
                await call()
            return str(caught.value)

        return asyncio.run(use())

    said = [await asyncio.to_thread(elsewhere, call) for call in calls]
    assert db.for_tenant("beta") is not db
    await db.close()

    assert {"an async database was used outside the event loop that opened it; call aconnect() there"} == set(said)


def test_a_closed_database_says_so(db: Any) -> None:
    """After close() each call is Unavailable; closing twice is nothing."""
    db.close()
    with pytest.raises(aiconsql.Unavailable, match="the database is closed"):
        db.aicons.list()
    db.close()


def test_attempts_run_the_function_again(db: Any) -> None:
    """A block that others' writes undid is run again as a whole."""
    runs = []

    def block(tx: Any) -> int:
        runs.append(0)
        version: int = tx.aicons.save(agent("one"))
        if len(runs) < 3:
            raise Again("undone")
        return version

    assert 1 == db.attempts(block)
    assert 3 == len(runs)
    assert ["one"] == names(db)


def test_a_blocking_call_inside_a_loop_warns_once(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stops everything else in the loop, so it is told, but only once."""
    from aiconsql.engine import blocking

    monkeypatch.setattr(blocking, "_warned", False)

    async def block() -> None:
        db.aicons.list()
        db.aicons.list()

    with aiconsql.connect(sqlite_url) as db, pytest.warns(UserWarning, match="use aconnect") as told:
        asyncio.run(block())

    assert 1 == len(told)
    assert __file__ == told[0].filename


def test_commit_of_a_failed_transaction_is_noticed(pg_url: str) -> None:
    """B103: PostgreSQL answers COMMIT with ROLLBACK and no error; only the command tag tells."""
    with aiconsql.connect(pg_url) as db:
        with pytest.raises(aiconsql.Unavailable, match="the server answered ROLLBACK"), db.transaction() as tx:  # noqa: PT012 - a block is what fails
            tx.aicons.save(agent("one"))
            connection = tx._runner._unit.connection
            connection.pgconn.exec_(b"SELECT 1 / 0")  # behind the runner's back

        assert [] == names(db)
