"""Which queries carry an AIcon from what is stored to what it is now."""

# ruff: noqa: SLF001 - what an AIcon knows about itself is its own package's

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiconsql.codec.parts import pack_parts
from aiconsql.codec.values import count, inline, instant
from aiconsql.engine.operation import Query

from .image import NOUNS, Image, RowImage, Saved, SavedRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from aiconsql.codec.parts import Part

    from .aicon import AIcon
    from .parts import RunStats, Update

# Columns that a change of the row rarely touches: NULL says that they stay.
_KEPT_WHEN_NULL = {"factors": ("factor_types", "parameters")}
# The server works on one statement while the next is on its way.
_PARTS_BYTES = 1 << 20


@dataclass(slots=True)
class Change:
    """The queries of a save; `reply` is the place of the one that returns the version."""

    queries: list[Query] = field(default_factory=list)
    reply: int = 0

    def add(self, name: str, **params: Any) -> None:
        """Append one query."""
        self.queries.append(Query(name, params))


@dataclass(frozen=True, slots=True)
class Difference:
    """What became of the rows of one noun; `known` are those that are stored."""

    known: Mapping[str, SavedRow]
    added: Mapping[str, RowImage]
    changed: Mapping[str, RowImage]
    removed: list[str]

    def written(self) -> Iterator[tuple[str, RowImage]]:
        """The rows to send, by name."""
        yield from self.added.items()
        yield from self.changed.items()

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)

    def versions(self, names: Iterable[str]) -> list[int]:
        """The versions that these rows were loaded or saved with."""
        return [self.known[name].version for name in names]


def change_of(aicon: AIcon, image: Image, saved: Saved | None, kept_updates: int) -> Change:
    """The queries that store `image` over what is `saved`; none when nothing changed.

    The AIcon's own row is locked first, which its writers queue at. Parts go in the order of their hashes (two
    savers in different orders would deadlock) and before the rows that refer to them.
    """
    change = Change()
    own = None if saved and saved.own.digest == image.own.digest else image.own
    differences = {noun: _difference(image.rows[noun], saved.rows[noun] if saved else {}) for noun in NOUNS}
    updates = aicon._new_updates
    if not (own or updates or any(differences.values())):
        return change
    parts = _new_parts(own, saved, differences.values())
    if parts and saved:
        # First of all, so that who asks later what became of this save waits for it.
        change.add("aicons.hold", id=aicon.id)
    _store_parts(change, parts)
    change.reply = len(change.queries)
    change.queries.append(_own_query(aicon, own, saved))
    if saved and not parts:
        # Before its parts are missed: what a saver is told is that the AIcon went.
        change.add("aicons.require", id=aicon.id)
    for noun, difference in differences.items():
        _store_rows(change, aicon.id, noun, difference)
    if updates:
        _store_updates(change, aicon.id, updates, kept_updates)
    return change


def _difference(rows: Mapping[str, RowImage], known: Mapping[str, SavedRow]) -> Difference:
    return Difference(
        known,
        added={name: row for name, row in rows.items() if name not in known},
        changed={name: row for name, row in rows.items() if name in known and known[name].digest != row.digest},
        removed=[name for name in known if name not in rows],
    )


def _new_parts(own: RowImage | None, saved: Saved | None, differences: Iterable[Difference]) -> dict[bytes, Part]:
    """The parts to send: not those that the replaced version of the same row refers to."""
    written = [(row, each.known.get(name)) for each in differences for name, row in each.written()]
    if own:
        written.append((own, saved.own if saved else None))
    found: dict[bytes, Part] = {}
    for row, before in written:
        known = before.known_parts() if before else frozenset()
        found |= {address: part for address, part in row.parts.items() if address not in known}
    return found


def _store_parts(change: Change, parts: Mapping[bytes, Part]) -> None:
    if not parts:
        return
    change.add("parts.share")
    for group in _groups(parts):
        packed = pack_parts(group)
        codecs, contents = zip(*packed.values(), strict=True)
        change.add("parts.add", hashes=list(packed), codecs=list(codecs), bytes=list(contents))


def _groups(parts: Mapping[bytes, Part]) -> Iterator[dict[bytes, Part]]:
    """The parts in the order of their addresses, in groups of about a megabyte."""
    group: dict[bytes, Part] = {}
    size = 0
    for address in sorted(parts):
        if group and size + parts[address].size > _PARTS_BYTES:
            yield group
            group, size = {}, 0
        group[address] = parts[address]
        size += parts[address].size
    yield group


def _own_query(aicon: AIcon, own: RowImage | None, saved: Saved | None) -> Query:
    """The query that moves the version: create, set or touch; `own` is None when the own columns stay as they are."""
    updates = len(aicon._new_updates)
    times = _times(aicon.run_stats)
    if own is None:
        return Query("aicons.touch", {"id": aicon.id, "iterations": updates, **times})
    if saved is None:
        # Statistics that were set afresh count no less than what was recorded.
        iterations = max(count(aicon.run_stats.iterations, "$.run_stats.iterations"), updates)
        born = {"iterations": iterations, "created_at": aicon.created_at}
        return Query("aicons.create", {"id": aicon.id, **own.columns, "content": own.content, **times, **born})
    columns = {name: None if saved.own.columns[name] == value else value for name, value in own.columns.items()}
    kept = {"self_version": saved.own.version, "content": own.content}
    return Query("aicons.set", {"id": aicon.id, "iterations": updates, **times, **columns, **kept})


def _times(stats: RunStats) -> dict[str, Any]:
    times = {name: getattr(stats, name) for name in ("start_time", "last_update_time")}
    return {name: time and instant(time, f"$.run_stats.{name}") for name, time in times.items()}


def _columns(rows: Mapping[str, RowImage]) -> dict[str, list[Any]]:
    first = next(iter(rows.values()))
    return {column: [row.columns[column] for row in rows.values()] for column in first.columns}


def _store_rows(change: Change, aicon_id: str, noun: str, difference: Difference) -> None:
    added, changed, removed = difference.added, difference.changed, difference.removed
    if added:
        change.add(f"{noun}.add", aicon_id=aicon_id, names=list(added), **_columns(added))
    if changed:
        versions = difference.versions(changed)
        columns = _columns(changed)
        for column in _KEPT_WHEN_NULL.get(noun, ()):
            pairs = zip(changed, columns[column], strict=True)
            columns[column] = [None if difference.known[name].columns[column] == new else new for name, new in pairs]
        change.add(f"{noun}.set", aicon_id=aicon_id, names=list(changed), versions=versions, **columns)
        change.add(f"{noun}.require", aicon_id=aicon_id, names=list(changed))
    if removed:
        change.add(f"{noun}.mark", aicon_id=aicon_id, names=removed, versions=difference.versions(removed))
        change.add(f"{noun}.remove", aicon_id=aicon_id)


def _store_updates(change: Change, aicon_id: str, updates: list[Update], kept: int) -> None:
    first = max(len(updates) - kept, 0)  # older ones would be trimmed at once
    stored = updates[first:]
    change.add(
        "aicon_updates.add",
        aicon_id=aicon_id,
        total=len(updates),
        places=list(range(first + 1, len(updates) + 1)),
        times=[update.time for update in stored],
        sources=[update.source for update in stored],
        successes=[update.success for update in stored],
        metadata=[_metadata(update) for update in stored],
    )
    change.add("aicon_updates.trim", aicon_id=aicon_id, kept=kept)


def _metadata(update: Update) -> str | None:
    return None if update.metadata is None else inline(update.metadata, "$.updates.metadata")


def after(id: str, place: str, image: Image, saved: Saved | None, version: int) -> Saved:
    """What is known once `image` is stored in `place` over what was `saved`, and has reached `version`."""
    own = _kept(saved.own if saved else None, image.own, version)
    rows = {}
    for noun in NOUNS:
        before = saved.rows[noun] if saved else {}
        rows[noun] = {name: _kept(before.get(name), row, version) for name, row in image.rows[noun].items()}
    return Saved(id, place, version, own, rows)


def _kept(before: SavedRow | None, new: RowImage, version: int) -> SavedRow:
    # What was not sent keeps the version it was loaded with: somebody else may have changed it since.
    return before if before and before.digest == new.digest else SavedRow(version, new.digest, new.content, new.columns)
