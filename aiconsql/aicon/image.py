"""An AIcon as it is stored: its rows in their stored form, with digests that tell what changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from aiconsql.codec.jsonb import encode_jsonb
from aiconsql.codec.paths import refused
from aiconsql.codec.rows import addresses, digest, freeze_array, freeze_row
from aiconsql.codec.values import inline, instant, path, text

from .parts import Factor, Sensor

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from aiconsql.codec.parts import Part

    from .aicon import AIcon

T = TypeVar("T")

BRAIN = "brain"
BRAIN_FORMAT = "document/1"
NOUNS = ("factors", "sensors", "binary_data")
OWN_DOCUMENTS: tuple[str, ...] = ("capabilities", "config", "state", "metadata")


@dataclass(frozen=True, slots=True)
class RowImage:
    """One row: `columns` by the names of its queries' parameters, its content column and the parts of that."""

    columns: Mapping[str, Any]
    content: bytes | None
    parts: Mapping[bytes, Part]
    digest: bytes


@dataclass(frozen=True, slots=True)
class SavedRow:
    """What is known of a stored row: the version it was loaded or saved with, its digest and its columns."""

    version: int
    digest: bytes
    content: bytes | None
    columns: Mapping[str, Any]

    def known_parts(self) -> frozenset[bytes]:
        """Parts that are stored for certain while the row keeps this version."""
        return frozenset(addresses(self.content))


Rows = dict[str, dict[str, RowImage]]
SavedRows = dict[str, dict[str, SavedRow]]


@dataclass(frozen=True, slots=True)
class Image:
    """All rows of an AIcon: its own, and its parts by noun and name."""

    own: RowImage
    rows: Rows


@dataclass(frozen=True, slots=True)
class Saved:
    """What is known of the stored AIcon; `place` is the database, schema and tenant that it is stored in."""

    id: str
    place: str
    version: int
    own: SavedRow
    rows: SavedRows


@dataclass(frozen=True, slots=True)
class Doubt:
    """A write whose outcome is unknown: what it stored over what, with how many new updates, the last one when."""

    write_id: str
    place: str
    image: Image
    before: Saved | None
    updates: int
    time: datetime | None
    asked: bool = False  # it was not found once, and what was tried next met a conflict


def image_of(aicon: AIcon) -> Image:
    """The stored form of everything an AIcon holds.

    Raises:
        InvalidValue: something cannot be stored; `where` is its path.
    """
    text(aicon.id, "$.id")
    instant(aicon.created_at, "$.created_at")
    return Image(
        _own(aicon),
        {
            "factors": {name: _factor(name, factor) for name, factor in _named(aicon.factors, "factors", Factor)},
            "sensors": {name: _sensor(name, sensor) for name, sensor in _named(aicon.sensors, "sensors", Sensor)},
            "binary_data": {} if _is_empty(aicon.brain) else {BRAIN: _brain(aicon.brain)},
        },
    )


def _is_empty(brain: object) -> bool:
    # A brain may be an array all the same, whose truth is no question.
    return isinstance(brain, dict) and not brain


def _named(parts: object, noun: str, kind: type[T]) -> Iterator[tuple[str, T]]:
    if not isinstance(parts, dict):
        raise refused(path(noun), f"a {type(parts).__name__} is no dict")
    for name, part in parts.items():
        where = path(noun, name)
        if not isinstance(part, kind):
            raise refused(where, f"a {type(part).__name__} is no {kind.__name__}")
        if text(name, where) != getattr(part, "name", None):
            raise refused(f"{where}.name", "it is not the name under which it is kept", "change both, or neither")
        yield name, part


def _own(aicon: AIcon) -> RowImage:
    frozen = freeze_row({name: getattr(aicon, name) for name in OWN_DOCUMENTS})
    columns = {"name": text(aicon.name, "$.name"), "aicon_type": text(aicon.aicon_type, "$.aicon_type"), **frozen.json}
    return RowImage(columns, frozen.content, frozen.parts, digest(*columns.values(), frozen.content))


def _factor(name: str, factor: Factor) -> RowImage:
    where = path("factors", name)
    parameters = factor.checked_parameters()
    content, parts = (None, {}) if factor.samples is None else freeze_array(factor.samples, where=f"{where}.samples")
    columns = {
        "factor_types": factor.factor_type,
        "parameters": inline(parameters, f"{where}.parameters"),
        "beliefs": encode_jsonb({**factor.belief, "value": factor.value}, where=where),
        "samples": content,
    }
    return RowImage(columns, content, parts, digest(*columns.values()))


def _sensor(name: str, sensor: Sensor) -> RowImage:
    where = path("sensors", name)
    frozen = freeze_row({"configuration": sensor.configuration, "metadata": sensor.metadata}, where=where)
    time = None if sensor.last_update is None else instant(sensor.last_update, f"{where}.last_update")
    columns = {
        "sensor_types": text(sensor.sensor_type, f"{where}.sensor_type"),
        "configurations": frozen.json["configuration"],
        "metadata": frozen.json["metadata"],
        "contents": frozen.content,
    }
    signature = digest(*columns.values(), time.isoformat() if time else None)
    return RowImage({**columns, "last_update": time}, frozen.content, frozen.parts, signature)


def _brain(brain: object) -> RowImage:
    frozen = freeze_row({BRAIN: brain})
    columns = {"formats": BRAIN_FORMAT, "manifests": frozen.json[BRAIN], "contents": frozen.content}
    return RowImage(columns, frozen.content, frozen.parts, digest(*columns.values()))
