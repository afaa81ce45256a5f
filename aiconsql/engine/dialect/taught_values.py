"""Taught functions over plain values: version guards, numbers, texts, bytes and moments."""

from __future__ import annotations

import base64
import hashlib
import math
import re
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_RANGES = {"smallint": 2**15, "integer": 2**31, "bigint": 2**63}
_TRUE = ("true", "t", "yes", "y", "on", "1")
_FALSE = ("false", "f", "no", "n", "off", "0")


class TaughtError(Exception):
    """A taught function refused: `code` is an SQLSTATE as PostgreSQL raises it (AIC01: someone wrote first)."""

    def __init__(self, code: str, detail: Mapping[str, Any], message: str | None = None) -> None:
        super().__init__(message or f"{code}: {dict(detail)}")
        self.code, self.detail = code, dict(detail)


def strict(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, which gives NULL when an argument is NULL."""

    def called(*arguments: Any) -> Any:
        return None if None in arguments else function(*arguments)

    called.__name__ = getattr(function, "__name__", "function")
    return called


def expect_version(kind: str, key: str, have: int | None, expected: int | None, following: int | None) -> int | None:
    """`following` when the row still has the version its writer loaded; else AIC01."""
    if have != expected:
        detail = {"kind": kind, "key": key, "have": have, "expected": expected}
        raise TaughtError("AIC01", detail, f"{kind} {key}: version {have}, expected {expected}")
    return following


def require_row(kind: str, key: str, found: int | None) -> int:
    """1 when the row is there; else AIC03."""
    if not found:
        raise TaughtError("AIC03", {"kind": kind, "key": key}, f"{kind} {key}: no such row")
    return 1


def _integer(type_: str, value: int) -> int:
    if isinstance(value, float) or not -_RANGES[type_] <= value < _RANGES[type_]:
        raise TaughtError("22003", {"value": value}, f"{value}: out of the range of {type_}")
    return value


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise TaughtError("22003", {"value": value}, f"{value}: out of the range of double precision")
    return value


def _text_integer(type_: str, text: str) -> int:
    if not re.fullmatch(r"\s*[+-]?[0-9]+\s*", text):
        raise TaughtError("22P02", {"value": text}, f"{text!r}: no {type_}")
    return _integer(type_, int(text))


def _double_integer(type_: str, value: float) -> int:
    return _integer(type_, round(value))  # to even, as PostgreSQL


def _text_double(text: str) -> float:
    if not re.fullmatch(r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*", text):
        raise TaughtError("22P02", {"value": text}, f"{text!r}: no double precision")
    return float(text)


def _text_boolean(text: str) -> int:
    word = text.strip().lower()
    if word not in _TRUE + _FALSE:
        raise TaughtError("22P02", {"value": text}, f"{text!r}: no boolean")
    return int(word in _TRUE)


def _shortest(value: float) -> Decimal:
    """The shortest digits that lie nearer to `value` than to its neighbours; repr() takes half-way ones too."""
    for text in (repr(value), f"{value:.14e}", f"{value:.15e}"):
        short = Decimal(text)
        there = math.nextafter(value, math.inf if short > value else -math.inf)
        if 2 * abs(Fraction(short) - Fraction(value)) < abs(Fraction(there) - Fraction(value)):
            return short
    return Decimal(f"{value:.16e}")


def double_text(value: float) -> str:
    """What PostgreSQL prints for a double precision: the shortest digits that mean it."""
    if value == 0:
        return "-0" if math.copysign(1, value) < 0 else "0"
    sign, digits, exponent = _shortest(value).normalize().as_tuple()
    text = "".join(map(str, digits))
    point = len(text) + int(exponent)  # the digits before the decimal point
    minus = "-" if sign else ""
    if -4 < point <= 15:
        whole = text[:point].ljust(point, "0") if point > 0 else "0"
        fraction = "0" * -point + text if point <= 0 else text[point:]
        return minus + whole + ("." + fraction if fraction else "")
    return f"{minus}{text[0]}{'.' + text[1:] if text[1:] else ''}e{point - 1:+03d}"


def _zero(right: float) -> None:
    if right == 0:
        raise TaughtError("22012", {}, "division by zero")


def _integer_quotient(left: int, right: int) -> int:
    _zero(right)
    whole = abs(left) // abs(right)
    return _integer("bigint", whole if (left < 0) == (right < 0) else -whole)


def _integer_remainder(left: int, right: int) -> int:
    return left - right * _integer_quotient(left, right) if right else _integer_quotient(left, right)


def _real_quotient(left: float, right: float) -> float:
    _zero(right)
    return left / right


def _place_of(value: int) -> int:
    if _integer("integer", value) < 1:
        raise TaughtError("22011", {"value": value}, f"substr: starts at {value}, before the first")
    return value


def _count_of(value: int) -> int:
    if _integer("integer", value) < 0:
        raise TaughtError("22011", {"value": value}, f"substr: {value} of them")
    return value


def _row_limit(value: int | None) -> int:
    return -1 if value is None else _rows("22023", value)


def _row_offset(value: int | None) -> int:
    return 0 if value is None else _rows("22023", value)


def _rows(code: str, value: int) -> int:
    if value < 0:
        raise TaughtError(code, {"value": value}, f"{value} rows: must not be negative")
    return value


def _encode(value: bytes, form: str) -> str:
    if form == "hex":
        return value.hex()
    if form == "base64":  # PostgreSQL breaks its lines after 76 characters
        return "\n".join(re.findall(".{1,76}", base64.b64encode(value).decode()))
    raise TaughtError("22023", {"value": form}, f"{form}: an encoding nobody taught")


def _decode(text: str, form: str) -> bytes:
    if form == "hex":
        return bytes.fromhex(text)
    if form == "base64":
        return base64.b64decode("".join(text.split()), validate=True)
    raise TaughtError("22023", {"value": form}, f"{form}: an encoding nobody taught")


def _convert_to(text: str, form: str) -> bytes:
    if form.upper().replace("-", "") != "UTF8":
        raise TaughtError("22023", {"value": form}, f"{form}: an encoding nobody taught")
    return text.encode()


def _md5(value: str | bytes) -> str:
    return hashlib.md5(value.encode() if isinstance(value, str) else value, usedforsecurity=False).hexdigest()


def _extreme(choose: Callable[..., Any], *values: Any) -> Any:
    return choose((v for v in values if v is not None), default=None)


FUNCTIONS: dict[str, tuple[int, Callable[..., Any]]] = {
    "expect_version": (5, expect_version),
    "require_row": (3, require_row),
    "octet_length": (1, strict(lambda text: len(text.encode() if isinstance(text, str) else text))),
    "starts_with": (2, strict(lambda text, start: int(text.startswith(start)))),
    "md5": (1, strict(_md5)),
    "sha256": (1, strict(lambda value: hashlib.sha256(value).digest())),
    "encode": (2, strict(_encode)),
    "decode": (2, strict(_decode)),
    "convert_to": (2, strict(_convert_to)),
    "bytes_concat": (2, strict(lambda a, b: a + b)),
    "boolean_text": (1, strict(lambda value: "true" if value else "false")),
    "integer_text": (1, strict(str)),
    "integer_boolean": (1, strict(lambda value: int(value != 0))),
    "double_text": (1, strict(double_text)),
    "text_boolean": (1, strict(_text_boolean)),
    "text_double": (1, strict(_text_double)),
    **{f"fits_{t}": (1, strict(partial(_integer, t))) for t in _RANGES},
    **{f"text_{t}": (1, strict(partial(_text_integer, t))) for t in _RANGES},
    **{f"double_{t}": (1, strict(partial(_double_integer, t))) for t in _RANGES},
    "integer_quotient": (2, strict(_integer_quotient)),
    "integer_remainder": (2, strict(_integer_remainder)),
    "real_quotient": (2, strict(_real_quotient)),
    "finite": (1, strict(_finite)),
    "round_up": (1, strict(lambda value: float(math.ceil(value)))),
    "round_down": (1, strict(lambda value: float(math.floor(value)))),
    "round_even": (1, strict(lambda value: float(round(value)))),
    "square_root": (1, strict(math.sqrt)),
    "place_of": (1, strict(_place_of)),
    "count_of": (1, strict(_count_of)),
    "row_limit": (1, _row_limit),
    "row_offset": (1, _row_offset),
    "greatest": (-1, partial(_extreme, max)),
    "least": (-1, partial(_extreme, min)),
}
