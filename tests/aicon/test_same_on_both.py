"""The same operations on SQLite and on PostgreSQL: the same answers, and the same rows in every table."""

from __future__ import annotations

import itertools
import json
import os
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import aiconsql
from aiconsql import AIcon, AiconsqlError, Conflict
from aiconsql.engine.queries import catalogue
from tests.aicon.conftest import look_at

SEQUENCES = 2_000 if os.environ.get("AICONSQL_SOAK") else 60
IDS, NAMES = ("ada", "eve"), ("rate", "mood", "tries")
NOW = datetime(2026, 1, 1, tzinfo=UTC)

values = st.sampled_from([0, 1, 0.5, -3.25, 10**20, 5e-324, "calm", "täglich \U0001f600", True, None, "wild", 7.0])
arrays = st.sampled_from([np.arange(3), np.zeros((2, 2), ">f4", order="F"), np.arange(4000.0), np.array("x")])
plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.sampled_from([0.1, -0.0, 1e300, 5e-324, "", "\u2028", "ß"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "bb", "c d", "$x"]), inner, max_size=3)
    ),
    max_leaves=5,
)
mixed = st.dictionaries(st.sampled_from(["x", "y"]), plain | arrays | st.just("long " * 3000), max_size=2)
slots = st.sampled_from([0, 1, 2])
operations = st.one_of(
    st.tuples(st.just("create"), slots, st.sampled_from(IDS)),
    st.tuples(st.just("load"), slots, st.sampled_from(IDS)),
    st.tuples(st.just("save"), slots),
    st.tuples(st.just("save"), slots),
    st.tuples(st.just("document"), slots, st.sampled_from(["config", "state", "metadata", "brain"]), mixed),
    st.tuples(st.just("factor"), slots, st.sampled_from(NAMES), values, st.none() | arrays),
    st.tuples(st.just("drop"), slots, st.sampled_from(["factors", "sensors"]), st.sampled_from(NAMES)),
    st.tuples(st.just("sensor"), slots, st.sampled_from(NAMES), mixed),
    st.tuples(st.just("record"), slots, st.booleans(), st.none() | plain),
    st.tuples(st.just("update_factor"), st.sampled_from(IDS), st.sampled_from(NAMES), values),
    st.tuples(st.just("delete"), st.sampled_from(IDS)),
    st.tuples(st.just("rollback"), slots, st.sampled_from(IDS)),
)


class World:
    """Three objects, of two AIcons, in one tenant of one database; each operation gives an answer to compare."""

    def __init__(self, db: Any) -> None:
        self.db = db
        self.objects: list[AIcon] = [AIcon("Ada", id=IDS[0]), AIcon("Eve", id=IDS[1]), AIcon("Ada", id=IDS[0])]
        for aicon in self.objects:
            aicon.created_at = NOW

    def do(self, operation: tuple[Any, ...]) -> object:
        """What the operation answers, or how it failed."""
        name, *args = operation
        try:
            return getattr(self, name)(*args)
        except Conflict as error:
            return "conflict", error.kind, error.key, error.have, error.expected
        except AiconsqlError as error:
            return type(error).__name__, str(error), getattr(error, "where", None)

    def create(self, slot, id):
        self.objects[slot] = AIcon(f"new {id}", "made", id=id)
        self.objects[slot].created_at = NOW
        return self.save(slot)

    def load(self, slot, id):
        self.objects[slot] = self.db.aicons.load(id)
        return repr(self.objects[slot])

    def save(self, slot):
        return self.db.aicons.save(self.objects[slot], kept_updates=3)

    def document(self, slot, name, value):
        setattr(self.objects[slot], name, value)

    def factor(self, slot, name, value, samples):
        aicon = self.objects[slot]
        if name in aicon.factors:
            aicon.factors[name].value, aicon.factors[name].samples = value, samples
        elif name == "mood":
            aicon.add_factor_categorical(name, value, categories=["calm", "wild", None, True], samples=samples)
        else:
            aicon.add_factor_continuous(name, value, lower_bound=-1 if name == "rate" else None, samples=samples)

    def drop(self, slot, noun, name):
        getattr(self.objects[slot], noun).pop(name, None)

    def sensor(self, slot, name, configuration):
        self.objects[slot].add_sensor(name, "made", given=configuration)

    def record(self, slot, success, metadata):
        self.objects[slot].record_update("test", success, {"given": metadata})

    def update_factor(self, id, name, value):
        return self.db.aicons.update_factor(id, name, value)

    def delete(self, id):
        return self.db.aicons.delete(id)

    def rollback(self, slot, id):
        with self.db.transaction() as tx:
            inner = World(tx)
            inner.do(("delete", id))
            inner.objects = self.objects
            inner.save(slot)
            raise Conflict("rolled back", kind="", key="", have=None, expected=None)


@contextmanager
def same_chances(seed: int):
    """The same ids and times for whoever asks in the same order."""
    numbers = itertools.count()

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):  # noqa: ARG003 - the signature of datetime
            return NOW + timedelta(seconds=next(numbers))

    with ExitStack() as stack:
        stack.enter_context(patch("aiconsql.aicon.store.new_id", lambda: f"write {seed} {next(numbers)}"))
        stack.enter_context(patch("aiconsql.aicon.aicon.datetime", Clock))
        yield


# Times that the database's clock gives; what a client gives is compared.
CLOCK = {
    "aicons": {"last_updated"}, "factors": {"created_at", "last_updated"}, "sensors": {"created_at", "last_updated"},
    "binary_data": {"created_at", "last_updated"}, "aicon_updates": set(),
    "parts": {"created_at"}, "history": {"at", "seq"},
}  # fmt: skip


def rows_of(url: str, tenant: str, table: str) -> list[dict[str, Any]]:
    """All rows of a tenant, parsed, in an order of their own."""
    columns = {name: kind for name, kind in catalogue().tables[table].items() if name not in CLOCK[table]}
    texts = [f"CAST({name} AS text)" if kind in {"json", "jsonb"} else name for name, kind in columns.items()]
    found = look_at(url, f"SELECT {', '.join(texts)} FROM {table}", tenant)
    rows = [{n: _parsed(k, value) for (n, k), value in zip(columns.items(), row, strict=True)} for row in found]
    for row in rows if table == "history" else ():
        for name in CLOCK[row["tbl"]] if row["after"] else ():
            del row["after"][name]
    return sorted(rows, key=lambda row: json.dumps(row, default=str, sort_keys=True))


def _parsed(kind: str, value: Any) -> Any:
    if value is None:
        return None
    if kind in {"json", "jsonb"}:
        return json.loads(value)
    if kind == "timestamptz":
        return (datetime.fromisoformat(value) if isinstance(value, str) else value).astimezone(UTC)
    return {"boolean": bool, "bytea": bytes}.get(kind, lambda plain: plain)(value)


@pytest.mark.soak
def test_the_same_operations_leave_the_same_rows(sqlite_url, pg_url):
    """B109: random operations on both databases: equal answers, and all tables equal row by row."""
    urls = {"sqlite": sqlite_url, "postgresql": pg_url}
    tenants = itertools.count()
    with ExitStack() as stack:
        databases = {name: stack.enter_context(aiconsql.connect(url)) for name, url in urls.items()}

        @settings(max_examples=SEQUENCES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(st.lists(operations, min_size=8, max_size=30))
        def same(sequence):
            tenant, answers = f"tenant {next(tenants)}", {}
            for name, db in databases.items():
                with same_chances(0):
                    world = World(db.for_tenant(tenant))
                    answers[name] = [world.do(operation) for operation in sequence]
            assert answers["postgresql"] == answers["sqlite"]
            for table in CLOCK:
                assert rows_of(pg_url, tenant, table) == rows_of(sqlite_url, tenant, table)

        same()
