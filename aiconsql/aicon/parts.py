"""What an AIcon is made of: factors, sensors, and what is counted about its runs."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeGuard

from aiconsql.codec.paths import refused
from aiconsql.codec.values import path, plain, scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from numpy.typing import NDArray

    from aiconsql.codec.values import Scalar

FactorType = Literal["continuous", "categorical", "discrete"]
_LOWEST = ("lower_bound", "min_value")
_HIGHEST = ("upper_bound", "max_value")
# What the database compares a value with.
_COMPARED = {*_LOWEST, *_HIGHEST, "categories"}


@dataclass(slots=True)
class Factor:
    """What an AIcon believes about one quantity.

    `value` is the current belief; `parameters` hold uncertainty, bounds, categories, probabilities and the
    distribution's parameters; `samples` is an array of posterior samples, any dtype and shape but object;
    `belief` is whatever else stands beside the value in the stored belief.
    """

    name: str
    factor_type: FactorType
    value: Any
    parameters: dict[str, Any] = field(default_factory=dict)
    samples: NDArray[Any] | None = None
    belief: dict[str, Any] = field(default_factory=dict)

    def checked_parameters(self) -> dict[str, Any]:
        """The parameters as they are stored: with plain bounds and categories, which the database compares with.

        Raises:
            InvalidValue: the value does not fit the type, the bounds or the categories.
        """
        where = path("factors", self.name)
        if self.factor_type not in _PROBLEMS:
            raise refused(f"{where}.factor_type", f"{self.factor_type!r} is not one of {', '.join(_PROBLEMS)}")
        if not isinstance(self.parameters, dict):
            raise refused(f"{where}.parameters", f"a {type(self.parameters).__name__} is no dict")
        parameters = {key: plain(value) if key in _COMPARED else value for key, value in self.parameters.items()}
        value = scalar(self.value, f"{where}.value")
        if problem := _PROBLEMS[self.factor_type](value, parameters, where):
            raise refused(f"{where}.value", f"{self.value!r} is {problem}")
        return parameters


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: Scalar, parameters: dict[str, Any], where: str) -> str | None:
    if not _is_number(value):
        return "not a number"
    if isinstance(value, float) and not math.isfinite(value):
        return "not finite"
    lowest, highest = _bound(parameters, _LOWEST, where), _bound(parameters, _HIGHEST, where)
    if lowest is not None and value < lowest:
        return f"below {lowest}"
    if highest is not None and value > highest:
        return f"above {highest}"
    return None


def _whole(value: Scalar, parameters: dict[str, Any], where: str) -> str | None:
    problem = _number(value, parameters, where)
    fraction = _is_number(value) and problem is None and value != math.floor(value)
    return "not a whole number" if fraction else problem


def _bound(parameters: dict[str, Any], names: Sequence[str], where: str) -> int | float | None:
    """The first of these bounds that is set."""
    for name in names:
        bound = parameters.get(name)
        if bound is not None and not _is_number(bound):
            raise refused(f"{where}.parameters.{name}", f"{bound!r} is not a number")
        if bound is not None:
            return bound
    return None


def _choice(value: Scalar, parameters: dict[str, Any], where: str) -> str | None:
    del where
    choices = parameters.get("categories")
    if not isinstance(choices, list):
        return None
    # For Python True is 1; for JSON it is not.
    alike = (choice for choice in choices if isinstance(choice, bool) is isinstance(value, bool))
    return None if value in alike else "not one of the categories"


# What is wrong with a value, by the type of its factor.
_PROBLEMS: Mapping[str, Callable[[Scalar, dict[str, Any], str], str | None]] = {
    "continuous": _number,
    "categorical": _choice,
    "discrete": _whole,
}


def continuous(
    name: str,
    value: float,
    *,
    uncertainty: float = 0.1,
    lower_bound: float | None = None,
    upper_bound: float | None = None,
    distribution: dict[str, Any] | None = None,
    samples: NDArray[Any] | None = None,
) -> Factor:
    """A real quantity, with an uncertainty (a standard deviation) and bounds that hold inclusively."""
    parameters = {"uncertainty": uncertainty, **_given(lower_bound=lower_bound, upper_bound=upper_bound)}
    return _made(name, "continuous", value, parameters, distribution, samples)


def categorical(
    name: str,
    value: Any,
    *,
    categories: Sequence[Any],
    probabilities: Sequence[float] | None = None,
    distribution: dict[str, Any] | None = None,
    samples: NDArray[Any] | None = None,
) -> Factor:
    """One of `categories`; `probabilities` has one number per category and sums to 1, or is None for equal ones."""
    many = len(categories)
    shares = [1 / many for _ in categories] if probabilities is None else plain(list(probabilities))
    in_range = all(_is_number(share) and 0 <= share <= 1 for share in shares)
    if len(shares) != many or not in_range or not math.isclose(math.fsum(shares), 1, rel_tol=1e-6):
        raise refused(path("factors", name, "probabilities"), f"{many} numbers from 0 to 1 that sum to 1 expected")
    parameters = {"categories": list(categories), "probabilities": shares}
    return _made(name, "categorical", value, parameters, distribution, samples)


def discrete(
    name: str,
    value: int,
    *,
    min_value: int = 0,
    max_value: int | None = None,
    distribution: dict[str, Any] | None = None,
    samples: NDArray[Any] | None = None,
) -> Factor:
    """A whole number, with bounds that hold inclusively."""
    parameters = {"min_value": min_value, **_given(max_value=max_value)}
    return _made(name, "discrete", value, parameters, distribution, samples)


def _given(**parameters: Any) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if value is not None}


def _made(  # noqa: PLR0917 - the three makers have these in common
    name: str,
    factor_type: FactorType,
    value: Any,
    parameters: dict[str, Any],
    distribution: dict[str, Any] | None,
    samples: NDArray[Any] | None,
) -> Factor:
    """The factor, with what it is made of as it comes back from the database."""
    given = {key: plain(item) for key, item in parameters.items()}
    if distribution is not None:
        given["distribution"] = distribution
    factor = Factor(name, factor_type, plain(value), given, samples)
    factor.checked_parameters()
    return factor


@dataclass(slots=True)
class Sensor:
    """Where observations come from: its configuration and when it last delivered (`last_update`, with time zone)."""

    name: str
    sensor_type: str = "sensor"
    configuration: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    last_update: datetime | None = None


@dataclass(slots=True)
class Update:
    """One recorded update; `iteration` counts from 1 and is None until it is saved."""

    time: datetime
    source: str
    success: bool
    metadata: dict[str, Any] | None = None
    iteration: int | None = None


@dataclass(slots=True)
class RunStats:
    """How often and when an AIcon was updated; `updates` are the latest ones, oldest first."""

    iterations: int = 0
    start_time: datetime | None = None
    last_update_time: datetime | None = None
    updates: list[Update] = field(default_factory=list)
