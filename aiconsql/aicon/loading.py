"""From the rows of `aicons.load` to an AIcon."""

# ruff: noqa: SLF001 - what an AIcon knows about itself is its own package's

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

from aiconsql.codec.documents import decode_document
from aiconsql.codec.jsonb import encode_jsonb
from aiconsql.codec.rows import digest, thaw_array, thaw_row
from aiconsql.codec.texts import decode_json
from aiconsql.errors import Corrupt

from .aicon import AIcon
from .image import BRAIN, BRAIN_FORMAT, NOUNS, OWN_DOCUMENTS, Saved, SavedRow
from .parts import Factor, RunStats, Sensor, Update

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aiconsql.engine.operation import Row

    Fetched = Mapping[bytes, tuple[int, bytes]]


def assemble(id: str, place: str, rows: Iterable[Row]) -> AIcon | None:
    """The AIcon in these rows of `place`, or None when there is none.

    Arrays are writeable copies, so that an agent can go on changing them. Factors and sensors are in the order of
    their names, on every database.

    Raises:
        Corrupt: a part is missing or not what was written, or a format is unknown.
    """
    by_kind: dict[str, list[Row]] = {}
    for row in rows:
        by_kind.setdefault(row["kind"], []).append(row)
    if "aicon" not in by_kind:
        return None
    parts = by_kind.get("part", ())
    fetched = {row["content"]: (row["number"], row["bytes"]) for row in parts if row["bytes"] is not None}
    aicon, saved = _own(id, place, by_kind["aicon"][0], fetched)
    for noun, (kind, put) in _PARTS.items():
        for row in sorted(by_kind.get(kind, ()), key=itemgetter("name")):
            columns = {"factor_types": row["type"], "parameters": row["document"]} if noun == "factors" else {}
            saved.rows[noun][row["name"]] = SavedRow(row["version"], put(aicon, row, fetched), row["content"], columns)
    updates = map(_update, by_kind.get("update", ()))
    aicon.run_stats.updates = sorted(updates, key=lambda update: update.iteration or 0)
    aicon._saved = saved
    return aicon


def _own(id: str, place: str, row: Row, fetched: Fetched) -> tuple[AIcon, Saved]:
    documents = (row["document"], row["document2"], row["document3"], row["document4"])
    texts = dict(zip(OWN_DOCUMENTS, documents, strict=True))
    aicon = AIcon(row["name"], row["type"], id=id)
    for name, value in thaw_row(texts, row["content"], fetched, writeable=True).items():
        setattr(aicon, name, value)
    aicon.created_at, aicon.last_updated = row["created_at"], row["last_updated"]
    aicon.run_stats = RunStats(row["number2"], row["time"], row["time2"])
    columns = {"name": row["name"], "aicon_type": row["type"], **texts}
    own = SavedRow(row["number"], digest(*columns.values(), row["content"]), row["content"], columns)
    return aicon, Saved(id, place, row["version"], own, {noun: {} for noun in NOUNS})


def _factor(aicon: AIcon, row: Row, fetched: Fetched) -> bytes:
    """Put the factor in; its digest, made of the values as `image_of` would write them."""
    belief = decode_json(row["document2"])
    if not isinstance(belief, dict):
        raise Corrupt(f"factor {row['name']}: its belief is a {type(belief).__name__}, no object")
    value = belief.pop("value", None)
    parameters = decode_document(row["document"], ())
    samples = None if row["content"] is None else thaw_array(row["content"], fetched, writeable=True)
    aicon.factors[row["name"]] = Factor(row["name"], row["type"], value, parameters, samples, belief)
    # jsonb writes its text its own way: the digest is that of the text this program would send.
    return digest(row["type"], row["document"], encode_jsonb({**belief, "value": value}), row["content"])


def _sensor(aicon: AIcon, row: Row, fetched: Fetched) -> bytes:
    texts = {"configuration": row["document"], "metadata": row["document2"]}
    thawed = thaw_row(texts, row["content"], fetched, writeable=True)
    sensor = Sensor(row["name"], row["type"], thawed["configuration"], thawed["metadata"], row["time"])
    aicon.sensors[row["name"]] = sensor
    time = row["time"].isoformat() if row["time"] else None
    return digest(row["type"], *texts.values(), row["content"], time)


def _brain(aicon: AIcon, row: Row, fetched: Fetched) -> bytes:
    if row["type"] != BRAIN_FORMAT:
        raise Corrupt(f"binary data {row['name']}: unknown format {row['type']}", hint="upgrade aiconsql")
    aicon.brain = thaw_row({BRAIN: row["document"]}, row["content"], fetched, writeable=True)[BRAIN]
    return digest(row["type"], row["document"], row["content"])


def _update(row: Row) -> Update:
    metadata = None if row["document"] is None else decode_document(row["document"], ())
    return Update(row["time"], row["name"], bool(row["number"]), metadata, row["version"])


_PARTS = {"factors": ("factor", _factor), "sensors": ("sensor", _sensor), "binary_data": ("binary", _brain)}
