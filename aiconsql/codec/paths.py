from __future__ import annotations

import functools
import io
import reprlib
import types
from datetime import date, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from aiconsql.errors import InvalidValue

if TYPE_CHECKING:
    from collections.abc import Iterable

# What Python and numpy raise about stored bytes that are not what they should be; a Warning where those are errors.
UNREADABLE = (
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    SyntaxError,
    TypeError,
    ValueError,
    Warning,
)

_keys = reprlib.Repr()
_keys.maxstring = _keys.maxother = 80  # characters of an odd key that are shown

_KINDS: tuple[tuple[tuple[type, ...], str, str], ...] = (
    (
        (types.FunctionType, types.BuiltinFunctionType, types.MethodType, functools.partial),
        "a function",
        "store the name and the arguments that make it, and make it again after loading",
    ),
    ((type,), "a class", "store its name, and look it up after loading"),
    ((types.ModuleType,), "a module", "store its name"),
    (
        (types.GeneratorType, types.AsyncGeneratorType, types.CoroutineType),
        "a generator",
        "store the values that it gives, as a list",
    ),
    ((io.IOBase,), "an open file", "store its path or its contents"),
    ((memoryview,), "a memoryview", "store bytes(view)"),
    # These have a form in documents, but not in jsonb.
    ((date, time), "a date or time", "store value.isoformat()"),
    ((set, frozenset), "a set", "store sorted(value)"),
    ((bytes, bytearray), "a bytes object", "store value.hex()"),
    ((timedelta,), "a timedelta", "store value.total_seconds()"),
    ((UUID, Decimal, complex), "a UUID, Decimal or complex", "store str(value)"),
)

_LOCKS = frozenset({"_thread", "asyncio.locks", "multiprocessing.synchronize", "threading"})


EACH = object()  # the step into a set, whose elements have no names


def place(where: str, steps: Iterable[object]) -> str:
    """The path of a value, such as ``$.brain['odd key'][3]``."""
    return where + "".join(map(_step, steps))


def _step(step: object) -> str:
    if step is EACH:
        return "[*]"
    if isinstance(step, str) and step.isidentifier():
        return f".{step}"
    return f"[{_keys.repr(step)}]"


def refused(where: str, problem: str, hint: str | None = None) -> InvalidValue:
    """The error for a value at `where`: "$.a: a function cannot be stored"."""
    return InvalidValue(f"{where}: {problem}", where=where, hint=hint)


def unstorable(where: str, value: Any) -> InvalidValue:
    """The error for an object that has no stored form."""
    for kinds, name, hint in _KINDS:
        if isinstance(value, kinds):
            return refused(where, f"{name} cannot be stored", hint)
    kind = type(value)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    if kind.__module__ in _LOCKS:
        return refused(where, f"a lock ({name}) cannot be stored", "leave it out, and make it again after loading")
    return refused(where, f"an instance of {name} cannot be stored", "store its fields as a dict, list or numpy array")
