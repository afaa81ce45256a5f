from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

from aiconsql.codec.walker import Walker

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_EXACT = 2.0**53  # jsonb gives a float from here on back as an integer
MAX_DIGITS_BITS = 14_000  # about 4,200 digits; Python reads up to 4,300


def encode_jsonb(value: Any, *, where: str = "$") -> str:
    """A value as JSON text that PostgreSQL's jsonb gives back unchanged but for the order of keys.

    No tags: what comes back is None, bool, int, float, str, list and dict. Scalars of numpy, arrays of at most one
    dimension, enums, tuples and objects with fields are written as the plain values that they hold. Zero with a
    minus sign and floats from 2**53 on are refused, because jsonb would change them.

    Raises: InvalidValue for everything else, with its path, which begins with `where`.
    """
    return _JsonbWriter(where).root(value)


class _JsonbWriter(Walker):
    def _float(self, value: float) -> float:
        number = self._number(value)
        if abs(number) >= MAX_EXACT:
            self.refuse(f"{number} cannot be stored in jsonb, which would make it an integer", "store an int or a str")
        if number == 0 and math.copysign(1, number) < 0:
            self.refuse("-0.0 cannot be stored in jsonb, which would drop its sign", "store 0.0")
        return number

    def _integer(self, value: int) -> int:
        if value.bit_length() > MAX_DIGITS_BITS:
            self.refuse("an integer of more than 4,200 digits cannot be stored in jsonb", "store hex(value)")
        return value

    def _mapping(self, value: dict[Any, Any]) -> Any:
        self._enter(value)
        plain = self._plain_keys(value)
        if any(type(key) is not str for key in plain):
            self.refuse("a dict whose keys are no strings cannot be stored in jsonb", "use str(key)")
        tree = self._fields(plain)
        self._leave(value)
        return tree

    def _array(self, array: Any, *, original: Any = None) -> Any:
        del original
        if type(array).__name__ == "MaskedArray" or not _is_plain(array.dtype):
            self.refuse(f"an array of dtype {array.dtype} cannot be stored in jsonb", "store plain values or strings")
        if array.ndim > 1:
            self.refuse(f"an array of shape {array.shape} cannot be stored in jsonb", "store array.tolist()")
        return self.walk(array.tolist())

    def _scalar(self, scalar: Any) -> Any:
        if not _is_plain(scalar.dtype):
            self.refuse(
                f"a numpy.{type(scalar).__name__} cannot be stored in jsonb", "store a plain number or a string"
            )
        return self.walk(scalar.item())

    writers: ClassVar[dict[type, Callable[[Any, Any], Any]]] = {
        **Walker.writers,
        int: _integer,
        float: _float,
        dict: _mapping,
        tuple: Walker.writers[list],
    }


def _is_plain(dtype: Any) -> bool:
    """Whether JSON holds each element exactly: booleans, integers, floats of up to 64 bits and strings."""
    return dtype.kind in "biufU" and dtype.char != "g" and dtype.type.__module__ == "numpy"
