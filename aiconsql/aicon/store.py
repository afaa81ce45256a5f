"""What can be done with AIcons in a database: `db.aicons`."""

# ruff: noqa: SLF001 - what an AIcon knows about itself is its own package's

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aiconsql.codec.documents import decode_document
from aiconsql.codec.jsonb import encode_jsonb
from aiconsql.codec.values import COUNT_MAX, count, path, scalar, text
from aiconsql.engine.ids import new_id
from aiconsql.engine.operation import Batch, D, Emit, Op, Query, Store, Stream, Undo, operation, stream
from aiconsql.engine.unit import Again
from aiconsql.errors import AiconsqlError, Conflict, InvalidValue, NotFound, OutcomeUnknown

from .aicon import LATEST_UPDATES, AIcon
from .image import NOUNS, Doubt, image_of
from .loading import assemble
from .outcome import found_out, restore, settled, told
from .parts import Update
from .saving import change_of

if TYPE_CHECKING:
    from aiconsql.engine.operation import Row

_END_OF_TIME = datetime.max.replace(tzinfo=UTC)
_LAST_ID = "\U0010ffff"
KEPT_UPDATES = 1_000


@dataclass(frozen=True, slots=True)
class AIconSummary:
    """One line about a stored AIcon."""

    id: str
    name: str
    aicon_type: str
    version: int
    iterations: int
    created_at: datetime
    last_updated: datetime


_Summaries = list[AIconSummary]  # inside the class, `list` is the operation
_Updates = list[Update]


class AIcons(Store[D]):
    """AIcons of one tenant."""

    noun = "aicons"

    @operation
    def save(self, aicon: AIcon, *, kept_updates: int = KEPT_UPDATES) -> Op[int]:
        """Store what changed of `aicon` since it was loaded or saved, in one transaction; the version it has then.

        A new AIcon is stored as a whole, an unchanged one sends nothing. Of the update history the newest
        `kept_updates` rows are kept. Saved into another database or tenant than before, it is a new one there.

        Raises:
            Conflict: someone changed the same part, or removed it, or the id is taken; nothing of this save is kept.
            InvalidValue: something cannot be stored; `where` is its path, and nothing is kept.
            OutcomeUnknown: the connection was lost while saving; saving the same object again does not write twice.
        """
        if not isinstance(aicon, AIcon):
            raise InvalidValue(f"$: a {type(aicon).__name__} is no AIcon", where="$")
        kept = count(kept_updates, "kept_updates")
        image, write_id = image_of(aicon), new_id()
        late = yield from self._settle(aicon, write_id)
        # What is known of another database or tenant says nothing about this one.
        saved = aicon._saved if aicon._saved and aicon._saved.place == self.place else None
        if saved and saved.id != aicon.id:
            raise InvalidValue(f"$.id: it was {saved.id}, and an id does not change", where="$.id")
        change = change_of(aicon, image, saved, kept)
        if not change.queries:
            return aicon.version
        updates = aicon._new_updates
        newest = updates[-1].time if updates else None
        doubt = Doubt(write_id, self.place, image, saved, len(updates), newest)
        yield Undo(restore(aicon, doubt))
        aicon._doubt = doubt
        try:
            replies = yield Batch(tuple(change.queries), last=True, write_id=write_id)
        except OutcomeUnknown:
            raise
        except AiconsqlError as error:
            # This one was undone for certain; an earlier one that was not found may have arrived since.
            aicon._doubt = late
            if isinstance(error, NotFound):
                raise told(error, saved) from error
            if isinstance(error, Conflict) and late and not late.asked:
                # Perhaps with our own earlier write, which arrived after the question: ask again.
                aicon._doubt = replace(late, asked=True)
                raise Again(str(error)) from error
            raise
        row = replies[change.reply]
        return settled(aicon, doubt, row, newest=row["iterations"])

    def _settle(self, aicon: AIcon, write_id: str) -> Op[Doubt | None]:
        """Find out whether the save in doubt happened; the doubt, if it did not. The unit goes on under `write_id`."""
        doubt = aicon._doubt
        if doubt is None or doubt.place != self.place:
            return doubt
        asked = {"id": aicon.id, "write_id": doubt.write_id, "update_time": doubt.time}
        # The server may still be at it: whoever has the lock is waited for.
        lock = Query("aicons.lock", {"id": aicon.id})
        replies = yield Batch((lock, Query("aicons.find_write", asked)), write_id=write_id)
        return None if found_out(aicon, doubt, replies[1]) else doubt

    @operation(reads=True)
    def load(self, id: str) -> Op[AIcon]:
        """The AIcon with its factors, sensors, brain and latest updates; arrays are verified and writeable.

        Raises:
            NotFound: there is no such AIcon.
            Corrupt: stored bytes are not what was written.
        """
        rows = yield from self.many("load", id=text(id, "$.id"), updates_n=LATEST_UPDATES, last=True)
        aicon = assemble(id, self.place, rows)
        if aicon is None:
            raise NotFound(f"aicon {id}: not found")
        return aicon

    @operation
    def update_factor(self, id: str, name: str, value: Any) -> Op[int]:
        """Merge a new value into a factor's belief, whatever others do to the AIcon; the version it has then.

        The database checks the value against bounds and categories.

        Raises:
            NotFound: there is no such AIcon or factor. InvalidValue: the factor does not take the value.
        """
        where = path("factors", name, "value")
        belief = encode_jsonb(scalar(value, where), where=where)
        own, factor = {"id": text(id, "$.id")}, {"aicon_id": id, "name": text(name, path("factors", name))}
        queries = (
            Query("aicons.touch", {**own, "iterations": 0, "start_time": None, "last_update_time": None}),
            Query("aicons.require", own),
            Query("factors.set_value", {**factor, "value": belief}),
            Query("factors.require", {"aicon_id": id, "names": [name]}),
        )
        try:
            replies = yield Batch(queries, last=True, write_id=new_id())
        except NotFound as error:
            missing = f"aicon {id}: " if str(error).startswith("aicon ") else f"aicon {id}: factor {name}: "
            raise NotFound(f"{missing}not found") from error
        except InvalidValue as error:
            raise InvalidValue(str(error), where=where, hint=error.hint) from error
        return int(replies[0]["version"])

    @operation
    def delete(self, id: str) -> Op[bool]:
        """Remove an AIcon with all its parts; False when there is none. Its history stays."""
        own = {"id": text(id, "$.id")}
        parts = [Query(f"{noun}.mark_all", {"aicon_id": id}) for noun in NOUNS]
        queries = (Query("aicons.mark", own), *parts, Query("aicons.remove", own))
        replies = yield Batch(queries, last=True, write_id=new_id())
        return replies[0] is not None

    @operation(reads=True)
    def list(
        self, *, aicon_type: str | None = None, limit: int = 100, after: AIconSummary | None = None
    ) -> Op[_Summaries]:
        """Up to `limit` summaries, the last changed first, of one type or of all; a next page begins behind `after`."""
        query = _page(aicon_type, count(limit, "limit"), after)
        rows: list[Row] = yield replace(query, last=True)
        return [AIconSummary(**row) for row in rows]

    @operation(reads=True)
    def find(self, name: str, *, limit: int = 100, after: AIconSummary | None = None) -> Op[_Summaries]:
        """Up to `limit` summaries of the AIcons with exactly this name, by id; empty when there is none."""
        page = {"after_id": after.id if after else "", "limit_n": count(limit, "limit")}
        rows = yield from self.many("find_by_name", name=text(name, "name"), **page, last=True)
        return [AIconSummary(**row) for row in rows]

    @stream
    def each(self, *, aicon_type: str | None = None, page: int = 500) -> Stream[AIconSummary]:
        """All summaries, the last changed first, fetched in pages; no transaction is held while the caller thinks.

        An AIcon that changes meanwhile moves to the front: one that was not yet reached is then left out.
        """
        size = count(page, "page", least=1)
        last: AIconSummary | None = None
        while True:
            rows = yield _page(aicon_type, size, last)
            for row in rows:
                last = AIconSummary(**row)
                yield Emit(last)
            if len(rows) < size:
                return

    @operation(reads=True)
    def updates(self, id: str, *, limit: int = 100, before: int | None = None) -> Op[_Updates]:
        """Up to `limit` recorded updates with an iteration below `before`, newest first; empty when there are none."""
        number = COUNT_MAX if before is None else count(before, "before")
        asked = {"aicon_id": text(id, "$.id"), "before": number, "limit_n": count(limit, "limit")}
        rows = yield Query("aicon_updates.find", asked, last=True)
        return [Update(**{**row, "metadata": _document(row["metadata"])}) for row in rows]


def _page(aicon_type: str | None, limit: int, after: AIconSummary | None) -> Query:
    time, last_id = (after.last_updated, after.id) if after else (_END_OF_TIME, _LAST_ID)
    page = {"before": time, "before_id": last_id, "limit_n": limit}
    if aicon_type is None:
        return Query("aicons.find_recent", page)
    return Query("aicons.find_recent_of_type", {"aicon_type": text(aicon_type, "aicon_type"), **page})


def _document(text: str | None) -> Any:
    return None if text is None else decode_document(text, ())
