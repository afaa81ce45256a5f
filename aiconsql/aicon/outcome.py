"""What an AIcon knows after a save: that it happened, that it did not, or that nobody knows."""

# ruff: noqa: SLF001 - what an AIcon knows about itself is its own package's

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aiconsql.errors import Conflict, NotFound

from .saving import after

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiconsql.engine.operation import Row

    from .aicon import AIcon
    from .image import Doubt, Saved

_NOUNS = {"aicon": None, "factor": "factors", "sensor": "sensors", "binary data": "binary_data"}
_NO_ROW = re.compile(rf"({'|'.join(_NOUNS)}) (.*): no such row", re.DOTALL)  # the message of require_row


def settled(aicon: AIcon, doubt: Doubt, row: Row, *, newest: int | None) -> int:
    """The write happened: what was sent is what is stored now; the version it reached.

    `newest` is the iteration of its last update; None when that is not known.
    """
    aicon._saved = after(aicon.id, doubt.place, doubt.image, doubt.before, row["version"])
    aicon._doubt = None
    stored = aicon._new_updates[: doubt.updates]
    for back, update in enumerate(reversed(stored)):
        update.iteration = None if newest is None else newest - back
    del aicon._new_updates[: doubt.updates]
    aicon.last_updated = row["last_updated"]
    aicon.run_stats.iterations = row["iterations"] + len(aicon._new_updates)
    return aicon.version


def found_out(aicon: AIcon, doubt: Doubt, row: Row | None) -> bool:
    """Take in what `aicons.find_write` found of the write in doubt (no row: the AIcon is gone); whether it happened."""
    aicon._doubt = None
    if row is None:
        return False
    counted = doubt.time is not None and (row["newest"] is not None or row["last_update_time"] == doubt.time)
    if row["version"] is None and not counted:
        return False
    # A write of nothing but updates is not in the history; then the version is at least what it reached.
    settled(aicon, doubt, {**row, "version": row["version"] or row["version_now"]}, newest=row["newest"])
    return True


def restore(aicon: AIcon, doubt: Doubt) -> Callable[[], None]:
    """What takes the object back to where it is now, for a transaction that is rolled back later."""
    saved, last_updated, iterations = aicon._saved, aicon.last_updated, aicon.run_stats.iterations
    updates = list(aicon._new_updates)

    def undo() -> None:
        if aicon._saved is saved:
            return  # the save itself failed
        aicon.run_stats.iterations = iterations + len(aicon._new_updates)
        aicon._new_updates[:0] = updates
        for update in updates:
            update.iteration = None
        aicon._saved, aicon.last_updated = saved, last_updated
        # COMMIT may have been lost on its way back: the next save asks first.
        aicon._doubt = doubt

    return undo


def told(error: NotFound, saved: Saved | None) -> Conflict | NotFound:
    """For a saver a row that should have been there is a conflict: someone removed it."""
    found = _NO_ROW.fullmatch(str(error))
    if found is None or saved is None:
        return error
    kind, key = found.groups()
    noun = _NOUNS[kind]
    expected = saved.rows[noun][key].version if noun else saved.version
    message = f"{kind} {key}: removed by someone else, expected version {expected}"
    return Conflict(message, kind=kind, key=key, have=None, expected=expected)
