"""A unit of work: one operation, from its first step to COMMIT. Pure: the runners do the waiting."""

from __future__ import annotations

import random
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, cast

from aiconsql.errors import AiconsqlError, Misuse, Unavailable

from .operation import Batch, Effect, Op, Query, Undo

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

T = TypeVar("T")

ATTEMPTS = 6
_FIRST_PAUSE_S = 0.01


@dataclass(frozen=True, slots=True)
class Session:
    """In whose name units run: what travels in front of each one."""

    tenant: str
    actor: str
    reason: str | None = None
    schema: str | None = None
    database: str = ""  # what tells it from others, by whatever URL it is reached
    statement_timeout_s: float = 30.0
    lock_timeout_s: float = 5.0

    @property
    def place(self) -> str:
        """Where rows of these units are: objects that remember what is stored remember where."""
        return f"{self.database} {self.schema} {self.tenant}"

    @property
    def silence_s(self) -> float:
        """Seconds without a sign of life of a server at work, after which it is given up."""
        return self.statement_timeout_s + self.lock_timeout_s


@dataclass(frozen=True, slots=True)
class Step:
    """Queries that travel together; `last` lets COMMIT travel with them."""

    queries: tuple[Query, ...]
    last: bool
    write_id: str | None = None


@dataclass(slots=True)
class Undos:
    """What to call when the surrounding unit is undone, newest first."""

    calls: list[Callable[[], None]] = field(default_factory=list)

    @contextmanager
    def on_error(self) -> Iterator[None]:
        """Call and forget them all when the block raises."""
        try:
            yield
        except BaseException:
            while self.calls:
                self.calls.pop()()
            raise


def steps(op: Op[T], undos: Undos) -> Generator[Step, Sequence[Any], T]:
    """The steps of `op`; each is sent its replies, and a failed one its error.

    Raises:
        Misuse: the operation yielded a query after its last one, or after an error.
    """
    reply: Any = None
    over: str | None = None
    try:
        while True:
            effect = op.send(reply)
            if isinstance(effect, Undo):
                undos.calls.append(effect.call)
                reply = None
                continue
            if over:
                raise Misuse(f"{_named(effect)}: a query after {over}")
            try:
                replies = yield _step(effect)
            except AiconsqlError as error:
                _refuse_to_go_on(op, error)
                raise
            over = f"the last one, {_named(effect)}" if effect.last else None
            reply = replies if isinstance(effect, Batch) else replies[0]
    except StopIteration as stop:
        return cast("T", stop.value)


def _step(effect: Query | Batch) -> Step:
    if isinstance(effect, Batch):
        return Step(effect.queries, effect.last, effect.write_id)
    return Step((effect,), effect.last)


def _named(effect: Effect) -> str:
    if isinstance(effect, Query):
        return effect.name
    return ", ".join(query.name for query in effect.queries) if isinstance(effect, Batch) else "undo"


def _refuse_to_go_on(op: Op[Any], error: AiconsqlError) -> None:
    """Throw `error` into the operation, which may translate it but never go on: the unit is rolled back."""
    try:
        effect = op.throw(error)
    except StopIteration:
        raise Misuse("an operation returned after a database error") from error
    raise Misuse(f"{_named(effect)}: a query after a database error") from error


class Again(Unavailable):
    """The unit was undone; trying again at once may succeed, and the runner does so a few times."""

    def given_up(self) -> Unavailable:
        """What the caller is told after the last attempt."""
        told = Unavailable(str(self), hint=self.hint)
        told.__cause__ = self.__cause__
        return told


def pause_before_retry(attempt: int) -> float:
    """Seconds to wait after failed attempt number `attempt` (1 is the first): exponential, with full jitter."""
    return random.uniform(0, _FIRST_PAUSE_S * 2**attempt)  # noqa: S311 - not for secrets
