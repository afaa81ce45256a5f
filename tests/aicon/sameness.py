"""AIcons that hold a bit of everything, and an equality that nothing escapes."""

from __future__ import annotations

import json
from collections import deque
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np

from aiconsql import AIcon, Factor
from tests.codec.values import assert_same

OFFSET = timezone(timedelta(hours=5, minutes=30))
BORN = datetime(2026, 2, 3, 4, 5, 6, 789012, tzinfo=OFFSET)


def rich_aicon(id: str | None = None) -> AIcon:
    """An AIcon with something in every place, and every kind of value somewhere."""
    rng = np.random.default_rng(7)
    aicon = AIcon("Ada Lovelace \U0001f9ee", "explorer", ["watch", "learn", "explain"], id=id)
    aicon.created_at = BORN
    aicon.config = {"z": 1, "a": [True, None, 1.5, -0.0, 1e300], "limits": (0, 2**70), "seed": np.uint64(2**63)}
    aicon.state = {
        "turn": 3,
        "when": BORN,
        "day": date(2026, 2, 3),
        "took": timedelta(microseconds=1),
        "money": Decimal("1.50"),
        "who": UUID(int=5),
        "seen": {3, 1, 2},
        "last": deque([1, 2], 7),
        "raw": b"\0\xff" * 700,
        "odd": {7: {("a", 1): "tuple keys"}},
        "weights": np.arange(6, dtype=">f4").reshape(2, 3, order="F"),
    }
    aicon.metadata = {"$array": 3, "notes": "\u0001\u2028 ünïcödé", "empty": {}, "nothing": None}
    add_factors(aicon, rng)
    add_sensors(aicon)
    aicon.brain = brain(rng)
    aicon.record_update("boot", True, {"reason": ["first", 1]})
    aicon.record_update("sensor", False)
    return aicon


def add_factors(aicon: AIcon, rng: np.random.Generator) -> None:
    """Factors of the three kinds."""
    gamma = {"name": "gamma", "shape": 2.5, "rate": 0.1}
    aicon.add_factor_continuous(
        "rate", 0.05, uncertainty=0.01, lower_bound=0, upper_bound=1.0, distribution=gamma, samples=rng.random(240)
    )
    aicon.add_factor_categorical(
        "mood", "calm", categories=["calm", "tense"], probabilities=[0.25, 0.75], samples=np.array(["calm", "tense"])
    )
    aicon.add_factor_discrete("tries", 3, min_value=1, max_value=2**62, samples=rng.integers(0, 9, (4, 5), np.int8))
    aicon.factors["rate"].belief = {"zz": {"b": 1, "a": [0.1]}, "a": "beside the value"}
    aicon.factors["a name: with [odd] 'signs'"] = Factor("a name: with [odd] 'signs'", "categorical", None)


def add_sensors(aicon: AIcon) -> None:
    """One that has delivered, one that has not."""
    cpu = aicon.add_sensor("cpu", "psutil", interval_s=3, mask=np.array([True, False]))
    cpu.metadata = {"unit": "%"}
    cpu.last_update = BORN
    aicon.add_sensor("quiet")


def brain(rng: np.random.Generator) -> dict[str, Any]:
    """Posterior samples, decision parameters, a utility: arrays and plain values, mixed and nested."""
    return {
        "posterior_samples": {"rate": rng.standard_normal((300, 7)), "mood": rng.integers(0, 2, 50, np.int8)},
        "decision": {"horizon": 5, "discount": 0.99, "options": [("wait", 0), ("act", np.float32(1.1))]},
        "utility": {"kind": "quadratic", "matrix": np.asfortranarray(rng.random((5, 5))), "layers": [rng.random(3)]},
        "missing": np.ma.masked_array([1.0, 2.0, np.nan], mask=[False, True, False], fill_value=-1.0),
        "records": np.array([(1, 2.5, b"x")], dtype=[("n", "<i2"), ("x", ">f8"), ("s", "S3")]),
        "nothing": np.empty((0, 3)),
        "one": np.array(5.0),
    }


def assert_same_aicon(expected: AIcon, found: AIcon) -> None:
    """Equal in everything that is stored: bit by bit, with the same types, dtypes and orders."""
    assert expected is not found
    for name in ("id", "name", "aicon_type", "capabilities", "config", "state", "metadata", "brain"):
        assert_same_value(getattr(expected, name), getattr(found, name))
    assert_same_instant(expected.created_at, found.created_at)
    assert_same_factors(expected, found)
    assert_same_sensors(expected, found)
    assert_same_stats(expected, found)


def assert_same_factors(expected: AIcon, found: AIcon) -> None:
    """The same factors, each with the same value, parameters and samples."""
    assert sorted(expected.factors) == list(found.factors)
    for name, factor in expected.factors.items():
        other = found.factors[name]
        assert_same((factor.name, factor.factor_type, factor.value), (other.name, other.factor_type, other.value))
        assert_same(factor.parameters, other.parameters)
        assert_same_value(factor.samples, other.samples)
        # jsonb keeps no order of keys.
        assert json.dumps(factor.belief, sort_keys=True) == json.dumps(other.belief, sort_keys=True)


def assert_same_sensors(expected: AIcon, found: AIcon) -> None:
    """The same sensors, each with the same configuration and last update."""
    assert sorted(expected.sensors) == list(found.sensors)
    for name, sensor in expected.sensors.items():
        other = found.sensors[name]
        assert_same((sensor.name, sensor.sensor_type), (other.name, other.sensor_type))
        assert_same_value([sensor.configuration, sensor.metadata], [other.configuration, other.metadata])
        assert_same_instant(sensor.last_update, other.last_update)


def assert_same_stats(expected: AIcon, found: AIcon) -> None:
    """The same run statistics and the same latest updates."""
    stats, others = expected.run_stats, found.run_stats
    assert (stats.iterations, stats.updates) == (others.iterations, others.updates)
    assert_same_instant(stats.start_time, others.start_time)
    assert_same_instant(stats.last_update_time, others.last_update_time)
    assert_same([update.metadata for update in stats.updates], [update.metadata for update in others.updates])


def assert_same_instant(expected: datetime | None, found: datetime | None) -> None:
    """The same microsecond; what is loaded is in UTC."""
    assert expected == found
    assert found is None or found.tzinfo is UTC


def assert_same_value(expected: Any, found: Any) -> None:
    """As the codec's `assert_same`, with the masks of masked arrays."""
    assert_same(expected, found)
    for one, other in zip(_masked(expected), _masked(found), strict=True):
        assert_same(np.ma.getmaskarray(one), np.ma.getmaskarray(other))
        assert_same(one.fill_value, other.fill_value)


def _masked(value: Any) -> list[Any]:
    if isinstance(value, np.ma.MaskedArray):
        return [value]
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    return [each for item in value for each in _masked(item)] if isinstance(value, list | tuple) else []
