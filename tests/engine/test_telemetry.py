"""Telemetry: a span and a duration for each operation, when the program uses OpenTelemetry."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from opentelemetry import metrics, trace
from opentelemetry.metrics import NoOpHistogram, NoOpMeter, NoOpMeterProvider
from opentelemetry.trace import NonRecordingSpan, NoOpTracer, NoOpTracerProvider

import aiconsql
from aiconsql.engine import telemetry

RECORDED: list[tuple[str, Any]] = []


class Span(NonRecordingSpan):
    """Keeps what is told to it."""

    def __init__(self, name: str, attributes: dict[str, Any]) -> None:
        super().__init__(trace.INVALID_SPAN_CONTEXT)
        self.attributes = attributes
        RECORDED.append((name, attributes))

    def set_attribute(self, key: str, value: Any) -> None:
        self.attributes[key] = value

    def set_status(self, status: Any, description: str | None = None) -> None:
        self.attributes["status"] = status


class Tracer(NoOpTracer):
    @contextmanager
    def start_as_current_span(self, name: str, *_: Any, **options: Any) -> Iterator[Span]:  # type: ignore[override]
        yield Span(name, {**options["attributes"], "kind": options["kind"]})


class Tracers(NoOpTracerProvider):
    def get_tracer(self, *_: Any, **__: Any) -> Tracer:
        return Tracer()


class Histogram(NoOpHistogram):
    def __init__(self, name: str, unit: str) -> None:
        super().__init__(name, unit)
        self.told = f"{name} {unit}"

    def record(self, amount: float, attributes: Any = None, context: Any = None) -> None:
        RECORDED.append((self.told, (amount, dict(attributes))))


class Meter(NoOpMeter):
    def create_histogram(self, name: str, unit: str = "", description: str = "", **_: Any) -> Any:
        return Histogram(name, unit)


class Meters(NoOpMeterProvider):
    def get_meter(self, name: str, *_: Any, **__: Any) -> Meter:
        return Meter(name)


@pytest.fixture
def pg_url(shared_pg_url: str) -> str:
    """A tenant of its own is enough here."""
    return shared_pg_url


@pytest.fixture
def providers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """OpenTelemetry with providers that keep what they are told."""
    monkeypatch.setattr(trace, "get_tracer", Tracers().get_tracer)
    monkeypatch.setattr(metrics, "get_meter", Meters().get_meter)
    telemetry._instruments.cache_clear()
    RECORDED.clear()
    yield
    telemetry._instruments.cache_clear()


def test_an_operation_is_a_span_and_a_duration(providers: None, db: Any, backend: str) -> None:
    """Its name is its first query's; the database and all its queries are told, and no parameter."""
    RECORDED.clear()
    db.aicons.find("secret name")
    (name, span), (histogram, (seconds, attributes)) = RECORDED

    assert "aicons.find_by_name" == name
    told = {"db.system.name": backend, "db.operation.name": "aicons.find_by_name"}
    assert {**told, "kind": trace.SpanKind.CLIENT} == span
    assert ("db.client.operation.duration s", told) == (histogram, attributes)
    assert 0 < seconds < 10


def test_an_error_is_told_by_its_class(providers: None, db: Any) -> None:
    """The class only: a message may hold what is stored."""
    RECORDED.clear()
    with pytest.raises(aiconsql.NotFound):
        db.aicons.update_factor("secret id", "rate", 1)

    assert trace.StatusCode.ERROR == RECORDED[0][1]["status"]
    assert "NotFound" == RECORDED[0][1]["error.type"] == RECORDED[1][1][1]["error.type"]
    assert "secret" not in str(RECORDED)


def test_operations_of_a_transaction_are_spans(providers: None, db: Any) -> None:
    """Each of its own."""
    with db.transaction() as tx:
        RECORDED.clear()
        tx.aicons.list()
        tx.aicons.find("Ada")

    assert ["aicons.find_recent", "aicons.find_by_name"] == [name for name, _ in RECORDED if name.startswith("aicons")]


def test_without_opentelemetry_nothing_is_imported() -> None:
    """A program that does not use it does not load it."""
    program = (
        "import sys, aiconsql\n"
        "with aiconsql.connect('sqlite://') as db: db.aicons.list()\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert "[]\n" == done.stdout
