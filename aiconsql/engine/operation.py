"""
Operations: domain logic written once, as generators that yield effects and are sent their results.

A store's operation can be called on three faces: on a blocking database it returns its value, on an async
one a coroutine, and inside another operation (where `self` is the planning face) its generator, to be used
with ``yield from``. Nothing here waits and nothing here knows a driver.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, cast, overload

from aiconsql.errors import Misuse

P = ParamSpec("P")
T = TypeVar("T")
S = TypeVar("S")
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Query:
    """One call of a named query, e.g. ``Query("aicons.load", {"id": …})``.

    `last` says that no query follows, so that COMMIT can travel with it.
    """

    name: str
    params: Mapping[str, Any]
    last: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """Several queries sent in one step; the reply is the list of their replies.

    `write_id` is the client's name for the write, kept by history, so that a repeated one is recognised.
    """

    queries: tuple[Query, ...]
    last: bool = False
    write_id: str | None = None


@dataclass(frozen=True, slots=True)
class Undo:
    """What to call when the unit around the operation is undone, or nobody knows whether it was; the reply is None."""

    call: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Emit(Generic[T]):
    """One value of a stream; the reply is None."""

    value: T


Effect = Query | Batch | Undo
Op = Generator[Effect, Any, T]
Stream = Generator[Query | Emit[T], Any, None]


class Blocking:
    """A face whose operations wait and return their value; `place` names the tenant's rows that it works on."""

    place = ""

    def run(self, make: Callable[[], Op[T]], *, reads: bool = False) -> T:
        """Run the operation that `make` makes; a repeated attempt makes it afresh."""
        raise NotImplementedError

    def iterate(self, make: Callable[[], Stream[T]]) -> Iterator[T]:
        """Run a stream page by page."""
        raise NotImplementedError


class Awaiting:
    """A face whose operations are coroutines; `place` names the tenant's rows it works on."""

    place = ""

    async def run(self, make: Callable[[], Op[T]], *, reads: bool = False) -> T:
        """Run the operation that `make` makes; a repeated attempt makes it afresh."""
        raise NotImplementedError

    def iterate(self, make: Callable[[], Stream[T]]) -> AsyncIterator[T]:
        """Run a stream page by page."""
        raise NotImplementedError


class Plan:
    """The face inside an operation: calling an operation gives its generator."""

    def __init__(self, place: str) -> None:
        self.place = place


D = TypeVar("D", bound=Blocking | Awaiting | Plan, covariant=True)  # noqa: PLC0105 - the database


class Store(Generic[D]):
    """The operations of one noun on one face; `noun` is the name of its queries' file."""

    noun = ""

    def __init__(self, db: D) -> None:
        self._db = db

    @property
    def place(self) -> str:
        """Where the rows are: the database, the schema and the tenant."""
        return self._db.place

    def one(self, name: str, /, *, last: bool = False, **params: object) -> Op[Row | None]:
        """Run a ``^`` query of this noun: its row, or None."""
        return cast("Row | None", (yield Query(f"{self.noun}.{name}", params, last)))

    def many(self, name: str, /, *, last: bool = False, **params: object) -> Op[list[Row]]:
        """Run a query without suffix of this noun: all its rows."""
        return cast("list[Row]", (yield Query(f"{self.noun}.{name}", params, last)))

    def change(self, name: str, /, *, last: bool = False, **params: object) -> Op[int]:
        """Run a ``!`` query of this noun: the number of rows it changed."""
        return cast("int", (yield Query(f"{self.noun}.{name}", params, last)))


class _Face(Protocol):
    def run(self, make: Callable[[], Op[Any]], *, reads: bool) -> Any: ...
    def iterate(self, make: Callable[[], Stream[Any]]) -> Any: ...


def _nested(op: Op[T]) -> Op[T]:
    """`op` as a part of another operation: its last step is not the last step of the whole."""
    resume: Callable[[], Effect] = functools.partial(next, op)
    try:
        while True:
            step = resume()
            try:
                reply = yield step if isinstance(step, Undo) else replace(step, last=False)
            except BaseException as error:  # noqa: BLE001 - handed on to the inner operation
                resume = functools.partial(op.throw, error)
            else:
                resume = functools.partial(op.send, reply)
    except StopIteration as stop:
        return cast("T", stop.value)


class _Descriptor(Generic[S, P, T]):
    """What an operation and a stream share: name, doc and signature without self, on every face."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        functools.update_wrapper(cast("Callable[..., Any]", self), function)

    @functools.cached_property
    def _signature(self) -> inspect.Signature:
        signature = inspect.signature(self.function)
        return signature.replace(parameters=list(signature.parameters.values())[1:])

    def _bind(self, call: Callable[..., Any]) -> Callable[..., Any]:
        bound = functools.wraps(self.function)(call)
        bound.__signature__ = self._signature  # type: ignore[attr-defined]
        return bound


class _Operation(_Descriptor[S, P, T]):
    def __init__(self, function: Callable[Concatenate[S, P], Op[T]], *, reads: bool) -> None:
        super().__init__(function)
        self.reads = reads

    @overload
    def __get__(self, store: None, owner: type | None = None) -> _Operation[S, P, T]: ...
    @overload
    def __get__(self, store: Store[Blocking], owner: type | None = None) -> Callable[P, T]: ...
    @overload
    def __get__(self, store: Store[Awaiting], owner: type | None = None) -> Callable[P, Coroutine[Any, Any, T]]: ...
    @overload
    def __get__(self, store: Store[Any], owner: type | None = None) -> Callable[P, Op[T]]: ...
    def __get__(self, store: Store[Any] | None, owner: type | None = None) -> Any:
        if store is None:
            return self
        function, db = self.function, store._db  # noqa: SLF001 - the descriptor is part of Store
        if isinstance(db, Plan):
            return self._bind(lambda *args, **named: _nested(function(store, *args, **named)))
        plan, face = type(store)(Plan(store.place)), cast("_Face", db)
        bound = self._bind(lambda *args, **named: face.run(lambda: function(plan, *args, **named), reads=self.reads))
        return _mark_coroutine(bound) if isinstance(db, Awaiting) else bound


# From Python 3.12 on inspect.iscoroutinefunction() can be told.
_mark_coroutine: Callable[[Callable[..., Any]], Callable[..., Any]] = getattr(
    inspect, "markcoroutinefunction", lambda function: function
)


@overload
def operation(function: Callable[Concatenate[S, P], Op[T]], /) -> _Operation[S, P, T]: ...
@overload
def operation(*, reads: bool) -> Callable[[Callable[Concatenate[S, P], Op[T]]], _Operation[S, P, T]]: ...
def operation(function: Any = None, /, *, reads: bool = False) -> Any:
    """Make a generator method an operation of its store. With ``reads=True`` it runs on a reader and may not write."""
    if function is None:
        return lambda later: _Operation(later, reads=reads)
    return _Operation(function, reads=reads)


class stream(_Descriptor[S, P, T]):  # noqa: N801 - used as a decorator
    """Make a generator method that yields queries and `Emit` a stream: an iterator, or an async one.

    Pages are separate units: no transaction is open while the caller thinks.
    """

    def __init__(self, function: Callable[Concatenate[S, P], Stream[T]]) -> None:
        super().__init__(function)

    @overload
    def __get__(self, store: None, owner: type | None = None) -> stream[S, P, T]: ...
    @overload
    def __get__(self, store: Store[Blocking], owner: type | None = None) -> Callable[P, Iterator[T]]: ...
    @overload
    def __get__(self, store: Store[Awaiting], owner: type | None = None) -> Callable[P, AsyncIterator[T]]: ...
    def __get__(self, store: Store[Any] | None, owner: type | None = None) -> Any:
        if store is None:
            return self
        if isinstance(store._db, Plan):  # noqa: SLF001 - the descriptor is part of Store
            raise Misuse(
                f"{self.function.__name__}: a stream has no place inside an operation; yield its queries there"
            )
        plan, face = type(store)(Plan(store.place)), cast("_Face", store._db)  # noqa: SLF001
        return self._bind(lambda *args, **named: face.iterate(lambda: self.function(plan, *args, **named)))
