"""Operations: the same on every database and face, composed, attempted again, and refused when misused."""

from __future__ import annotations

import inspect
import pydoc
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

import pytest

import aiconsql
from aiconsql.engine import unit
from aiconsql.engine.operation import D, Op, Plan, Query, Store, operation
from aiconsql.engine.unit import Again
from tests.faces import Loop

PAGE = {"after_id": "", "limit_n": 10}


class Probe(Store[D]):
    """Operations of a wing that only tests have."""

    noun = "aicons"

    @operation
    def rename(self, id: str, name: str) -> Op[str]:
        """Give an AIcon another name; the one it had."""
        rows = yield from self.many("load", id=id, updates_n=0)
        yield from _rename(id, rows, name)
        return str(rows[0]["name"])

    @operation
    def rename_both(self, one: str, two: str, name: str, *, fail: bool = False) -> Op[list[str]]:
        """Rename two, one operation inside another."""
        first = yield from self.rename(one, name)
        second = yield from self.rename(two, name)
        if fail:
            raise LookupError(name)
        return [first, second]

    @operation
    def unasked(self) -> Op[int]:
        """Ask nothing."""
        return 7
        yield Query("never", {})

    @operation
    def around_unasked(self) -> Op[int]:
        """An operation around one that asks nothing."""
        seven = yield from self.unasked()
        rows = yield from self.many("find_by_name", name="", **PAGE, last=True)
        return seven + len(rows)


def _rename(id: str, rows: list[dict[str, Any]], name: str) -> Op[Any]:
    unset = dict.fromkeys(("aicon_type", "capabilities", "config", "state", "metadata", "content", "start_time"))
    own = {"self_version": rows[0]["number"], "name": name, "iterations": 0, "last_update_time": None}
    return (yield Query("aicons.set", {"id": id, **own, **unset}, last=True))


def saved(db: Any, name: str) -> aiconsql.AIcon:
    """A stored AIcon."""
    aicon = aiconsql.AIcon(name)
    db.aicons.save(aicon)
    return aicon


def names(db: Any) -> list[str]:
    """The names of all stored AIcons."""
    return sorted(summary.name for summary in db.aicons.list())


def table() -> dict[str, Callable[[Any], Any]]:
    """Every public operation with values and with what is wrong."""
    aicon = aiconsql.AIcon("Ada", "base", ["watch"], id="ada")
    aicon.add_factor_continuous("rate", 0.5, lower_bound=0, upper_bound=1)
    stale = aiconsql.AIcon("Ada", id="ada")
    unfit = aiconsql.AIcon("Eve", id="eve")
    unfit.state["call"] = print
    empty = {"name": "Ada", "after_id": ""}
    return {
        "save": lambda db: db.aicons.save(aicon),
        "save unchanged": lambda db: db.aicons.save(aicon),
        "save taken": lambda db: db.aicons.save(stale),
        "save unfit": lambda db: db.aicons.save(unfit),
        "load": lambda db: (db.aicons.load("ada").factors, db.aicons.load("ada").capabilities),
        "load unknown": lambda db: db.aicons.load("eve"),
        "load no text": lambda db: db.aicons.load(7),
        "load half a pair": lambda db: db.aicons.load("\ud800"),
        "load NUL": lambda db: db.aicons.load("a\0"),
        "update": lambda db: db.aicons.update_factor("ada", "rate", 0.25),
        "update unknown": lambda db: db.aicons.update_factor("eve", "rate", 0.25),
        "update unknown factor": lambda db: db.aicons.update_factor("ada", "mood", 0.25),
        "update out of bounds": lambda db: db.aicons.update_factor("ada", "rate", 2),
        "update unfit": lambda db: db.aicons.update_factor("ada", "rate", print),
        "list": lambda db: [summary.id for summary in db.aicons.list()],
        "list of type": lambda db: [summary.id for summary in db.aicons.list(aicon_type="other")],
        "list too many": lambda db: db.aicons.list(limit=2**63),
        "find": lambda db: [summary.version for summary in db.aicons.find("Ada")],
        "each": lambda db: [summary.id for summary in db.aicons.each(page=1)],
        "updates": lambda db: db.aicons.updates("ada"),
        "query": lambda db: len(db.query("aicons.find_by_name", **empty, limit_n=1)),
        "query unknown": lambda db: db.query("aicons.nope"),
        "query without": lambda db: db.query("aicons.find_by_name"),
        "query with another": lambda db: db.query("aicons.find_by_name", **empty, limit_n=1, x=1),
        "query unfit": lambda db: db.query("aicons.find_by_name", **empty, limit_n="one"),
        "query infinite": lambda db: db.query("aicons.find_by_name", **empty, limit_n=2**64),
        "query NUL": lambda db: db.query("aicons.find_by_name", name="a\0", after_id="", limit_n=1),
        "query half a pair": lambda db: db.query("aicons.find_by_name", name="\ud800", after_id="", limit_n=1),
        "other tenant": lambda db: db.for_tenant("an empty one").aicons.list(),
        "delete": lambda db: db.aicons.delete("ada"),
        "delete unknown": lambda db: db.aicons.delete("ada"),
        "no tenant": lambda db: db.for_tenant(""),
    }


def outcome(call: Callable[[Any], Any], db: Any) -> str:
    """The value, or the error's class and message."""
    try:
        return repr(call(db))
    except aiconsql.AiconsqlError as error:
        return f"{type(error).__name__}: {error}"


@pytest.fixture
def pg_url(shared_pg_url: str) -> str:
    """A tenant of its own is enough here."""
    return shared_pg_url


@pytest.fixture
def four(sqlite_url: str, pg_url: str, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Each face of each database."""
    with ExitStack() as stack:
        loop = stack.enter_context(Loop())
        urls = {"sqlite": sqlite_url, "memory": "sqlite://", "postgresql": pg_url}
        faces = {f"blocking {name}": stack.enter_context(aiconsql.connect(url)) for name, url in urls.items()}
        urls |= {"sqlite": f"sqlite:///{tmp_path}/async.db", "postgresql": f"{pg_url}?tenant=async"}
        for name, url in urls.items():
            faces[f"async {name}"] = stack.enter_context(loop.face(aiconsql.aconnect(url)))
        yield faces


def test_every_operation_is_the_same_everywhere(four: dict[str, Any]) -> None:
    """B101: the same value or the same error on both databases and both faces."""
    calls = {name: table() for name in four}
    differing = {}
    for operation_name in table():
        outcomes = {name: outcome(calls[name][operation_name], db) for name, db in four.items()}
        if len(set(outcomes.values())) > 1:
            differing[operation_name] = outcomes

    assert {} == differing


def test_operations_compose(db: Any) -> None:
    """B118: one transaction with one COMMIT at its end, on both faces."""
    one, two = saved(db, "one"), saved(db, "two")

    assert ["one", "two"] == db.run(lambda: Probe(Plan("")).rename_both(one.id, two.id, "both"))
    assert ["both", "both"] == names(db)


def test_a_composed_operation_is_undone_as_a_whole(db: Any) -> None:
    """B118: an error at the end of the outer operation undoes the inner ones, whatever they called their last step."""
    one, two = saved(db, "one"), saved(db, "two")
    with pytest.raises(LookupError):
        db.run(lambda: Probe(Plan("")).rename_both(one.id, two.id, "both", fail=True))

    assert ["one", "two"] == names(db)


def test_an_inner_operation_may_ask_nothing(db: Any) -> None:
    """Its value comes back all the same; saving what is unchanged is such a one."""
    assert 7 == db.run(lambda: Probe(Plan("")).around_unasked())
    assert 7 == db.run(lambda: Probe(Plan("")).unasked())


def test_a_composed_save_that_is_undone_can_be_saved_again(db: Any) -> None:
    """The object does not believe that it is stored when the operation around its save failed."""
    aicon = aiconsql.AIcon("Ada")

    def failing() -> Op[None]:
        yield from db_plan.save(aicon)
        raise LookupError

    from aiconsql.aicon.store import AIcons

    db_plan: AIcons[Plan] = AIcons(Plan(""))
    with pytest.raises(LookupError):
        db.run(failing)

    assert 0 == aicon.version
    assert 1 == db.aicons.save(aicon)


def test_each_attempt_makes_the_generator_afresh(db: Any) -> None:
    """B118: what was undone by others is made again from its beginning, a few times."""
    made = []

    def op() -> Op[int]:
        made.append(0)
        yield Query("aicons.find_by_name", {"name": "", **PAGE})
        if len(made) < 3:
            raise Again("undone")
        return len(made)

    assert 3 == db.run(op)


def test_attempts_end(db: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is undone each time is told Unavailable, not the runner's own word for it."""
    monkeypatch.setattr(unit, "_FIRST_PAUSE_S", 0)
    made = []

    def op() -> Op[None]:
        made.append(0)
        yield Query("aicons.find_by_name", {"name": "", **PAGE})
        raise Again("undone", hint="later")

    with pytest.raises(aiconsql.Unavailable, match="undone") as caught:
        db.run(op)

    assert aiconsql.Unavailable is caught.type
    assert unit.ATTEMPTS == len(made)


def test_nothing_follows_the_last_query(db: Any) -> None:
    """A query after the last one is a mistake, on both databases."""

    def op() -> Op[None]:
        yield Query("aicons.find_by_name", {"name": "", **PAGE}, last=True)
        yield Query("aicons.find_by_name", {"name": "", **PAGE})

    with pytest.raises(aiconsql.Misuse, match=r"a query after the last one, aicons\.find_by_name"):
        db.run(op)


def test_nothing_follows_an_error(db: Any) -> None:
    """An operation may translate a database error, but neither go on nor return, on both databases."""

    def asks(then: Callable[[], Any]) -> Callable[[], Op[Any]]:
        def op() -> Op[Any]:
            try:
                yield Query("aicons.require", {"id": "nobody"})
            except aiconsql.NotFound as error:
                if then is print:
                    raise LookupError("translated") from error
                if then is list:
                    return None
            yield Query("aicons.find_by_name", {"name": "", **PAGE})

        return op

    with pytest.raises(aiconsql.Misuse, match="a query after a database error"):
        db.run(asks(dict))
    with pytest.raises(aiconsql.Misuse, match="returned after a database error"):
        db.run(asks(list))
    with pytest.raises(LookupError, match="translated"):
        db.run(asks(print))


def test_a_stream_has_no_place_inside_an_operation() -> None:
    """It says so, instead of failing somewhere inside."""
    from aiconsql.aicon.store import AIcons

    with pytest.raises(aiconsql.Misuse, match="each: a stream"):
        _ = cast("Any", AIcons(Plan(""))).each


def test_operations_tell_what_they_are(sqlite_url: str) -> None:
    """help() shows name, signature without self, and doc."""
    with aiconsql.connect(sqlite_url) as db:
        load = db.aicons.load
        text = pydoc.plain(pydoc.render_doc(load))

    assert "load" == load.__name__
    assert ["id"] == list(inspect.signature(load).parameters)
    assert "load(id: 'str')" in text
    assert "The AIcon with its factors" in text
    assert "The AIcon with its factors" in (type(db.aicons).load.__doc__ or "")
