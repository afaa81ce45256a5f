from __future__ import annotations

import math
import sys
from enum import Enum
from types import NoneType
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from aiconsql.codec.paths import place, refused, unstorable
from aiconsql.codec.records import fields_of, is_record
from aiconsql.codec.tensors import as_array
from aiconsql.codec.texts import encode_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MAX_DEPTH = 200  # containers inside each other; Python's own limit is 1,000 calls, and a level takes two or three


def text_problem(text: str) -> str | None:
    """What keeps a string out of the databases, or None."""
    if "\0" in text:
        return "a string with a NUL character"
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return "a string with a lone surrogate"
    return None


def same(value: Any) -> Any:
    """The value itself."""
    return value


def _plain_key(key: Any) -> Any:
    if isinstance(key, Enum):
        return _plain_key(key.value)
    return str.__str__(key) if isinstance(key, str) else key


class Walker:
    """Goes through a value in depth and turns each node into plain JSON values; knows at which path it is.

    Subclasses say in `writers` and `bases` how a type and its subclasses are written. A walker that has refused a
    value is spent.
    """

    def __init__(self, where: str) -> None:
        self._where = where
        self._steps: list[object] = []
        self._open: set[int] = set()

    @property
    def place(self) -> str:
        """The path of the value that is being written."""
        return place(self._where, self._steps)

    def refuse(self, problem: str, hint: str | None = None) -> NoReturn:
        """Raise InvalidValue for the value that is being written."""
        raise refused(self.place, problem, hint)

    def root(self, value: Any) -> str:
        """The JSON text of a whole document."""
        try:
            return encode_json(self.walk(value))
        except RecursionError:
            self.refuse("nested too deeply for the calls that are open already", "make the document flatter")

    def walk(self, value: Any) -> Any:
        """The plain JSON values of one node."""
        write = self.writers.get(type(value))
        return write(self, value) if write else self._other(value)

    def _other(self, value: Any) -> Any:
        """A value whose exact type has no writer."""
        if isinstance(value, Enum):
            return self.walk(value.value)
        numpy = sys.modules.get("numpy")  # what was never imported made no value
        if numpy and isinstance(value, numpy.ndarray):
            return self._array(value)
        if numpy and isinstance(value, numpy.generic):
            return self._scalar(value)
        if is_record(type(value)):
            return self._record(value)
        tensor = as_array(value, where=self.place)
        if tensor is not None:
            return self._array(tensor, original=value)
        for base, convert in self.bases:
            if isinstance(value, base):
                return self.writers[base](self, convert(value))
        raise unstorable(self.place, value)

    def _record(self, value: Any) -> Any:
        self._enter(value)
        try:
            fields = fields_of(value)
        except (ValueError, TypeError, AttributeError) as error:
            raise refused(self.place, f"a {type(value).__qualname__} cannot be stored: {error}") from error
        tree = self.walk(fields)
        self._leave(value)
        return tree

    def _array(self, array: Any, *, original: Any = None) -> Any:
        """An array of numpy; `original` is the tensor that it was taken from."""
        raise NotImplementedError

    def _scalar(self, scalar: Any) -> Any:
        """A scalar of numpy."""
        raise NotImplementedError

    def _enter(self, container: object) -> None:
        """Note that what follows lies inside `container`."""
        if id(container) in self._open:
            self.refuse("a value that contains itself cannot be stored", "store a name or an id in its place")
        if len(self._steps) >= MAX_DEPTH or len(self._open) > 2 * MAX_DEPTH:
            self.refuse(f"nested deeper than {MAX_DEPTH} levels", "make the document flatter")
        self._open.add(id(container))

    def _leave(self, container: object) -> None:
        self._open.discard(id(container))

    def _number(self, value: float) -> float:
        if not math.isfinite(value):
            self.refuse(f"{value} cannot be stored in json", "use None, or put the number in a numpy array")
        return value

    def _text(self, value: str) -> str:
        problem = text_problem(value)
        if problem:
            self.refuse(f"{problem} cannot be stored", "remove the character, or store bytes")
        return value

    def _items(self, value: Sequence[Any]) -> list[Any]:
        """The elements of a list or tuple."""
        kinds = set(map(type, value))
        if len(kinds) == 1 and (all_fine := self.fine.get(kinds.pop())) and all_fine(value):
            return list(value)
        self._enter(value)
        out = []
        steps, writers = self._steps, self.writers
        steps.append(0)
        for index, item in enumerate(value):
            steps[-1] = index
            write = writers.get(type(item))
            out.append(write(self, item) if write else self._other(item))
        steps.pop()
        self._leave(value)
        return out

    def _fields(self, value: dict[str, Any]) -> dict[str, Any]:
        """The entries of a dict whose keys are of type str."""
        out = {}
        steps, writers = self._steps, self.writers
        steps.append("")
        for key, item in dict.items(value):
            steps[-1] = key
            if text_problem(key):
                self.refuse(f"a key that is {text_problem(key)} cannot be stored", "remove the character")
            write = writers.get(type(item))
            out[key] = write(self, item) if write else self._other(item)
        steps.pop()
        return out

    def _plain_keys(self, value: dict[Any, Any]) -> dict[Any, Any]:
        """The same dict, where members of enums and subclasses of str among the keys are what they stand for."""
        if all(type(key) is str for key in dict.keys(value)):
            return value
        plain = {_plain_key(key): item for key, item in dict.items(value)}
        if len(plain) != len(value):
            self.refuse("two keys that would be stored as one cannot be stored", "make the keys plain strings")
        return plain

    writers: ClassVar[dict[type, Callable[[Any, Any], Any]]] = {
        NoneType: lambda _, value: value,
        bool: lambda _, value: value,
        float: _number,
        str: _text,
        list: _items,
    }
    # A subclass is written as the first of these that it belongs to, made plain whatever methods it overrides.
    bases: ClassVar[tuple[tuple[type, Callable[[Any], Any]], ...]] = (
        (dict, same),
        (list, same),
        (tuple, same),
        (str, str.__str__),
        (int, int.__int__),
        (float, float.__float__),
    )
    # Whether all elements of a list, which are of one type, are written as they are: faster than one by one.
    fine: ClassVar[dict[type, Callable[[Sequence[Any]], bool]]] = {}
