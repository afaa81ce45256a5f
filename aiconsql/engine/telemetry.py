"""
A span and a duration for each operation, for programs that use OpenTelemetry; for others nothing, at no cost.

Only the API is spoken, and only once the program has imported it. Names and attributes are those of OpenTelemetry's
semantic conventions for database clients; no parameter and no message is among them.
"""

from __future__ import annotations

import sys
import time
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .unit import Step

_NOTHING = nullcontext()


def measured(system: str, step: Step) -> AbstractContextManager[None]:
    """Measure an operation on the database `system` that begins with `step`, until the block ends."""
    if "opentelemetry.trace" not in sys.modules and "opentelemetry.metrics" not in sys.modules:
        return _NOTHING
    names = [query.name for query in step.queries]
    return _measured(names[0] if names else "commit", {"db.system.name": system, "db.operation.name": " ".join(names)})


@contextmanager
def _measured(name: str, attributes: dict[str, Any]) -> Iterator[None]:
    from opentelemetry.trace import SpanKind, StatusCode

    tracer, durations = _instruments()
    begun = time.perf_counter()
    with tracer.start_as_current_span(
        name, kind=SpanKind.CLIENT, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield
        except BaseException as error:
            attributes["error.type"] = type(error).__name__
            span.set_attribute("error.type", attributes["error.type"])
            span.set_status(StatusCode.ERROR)
            raise
        finally:
            durations.record(time.perf_counter() - begun, attributes)


@cache
def _instruments() -> tuple[Any, Any]:
    """The tracer and the histogram; a provider that the program sets later is found by them."""
    from opentelemetry import metrics, trace

    histogram = metrics.get_meter("aiconsql").create_histogram(
        "db.client.operation.duration",
        unit="s",
        description="Duration of operations, from the first query to the last.",
    )
    return trace.get_tracer("aiconsql"), histogram
