"""GarbageService: removes bytes that nothing refers to, some time after nothing did.

The grace is for readers: whoever holds a ticket, or has a file open, goes on reading the old
content while it lasts. The order makes every crash harmless: a blob is first marked, then given
up in the database, then removed from the store, and forgotten last.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from vospace_server.database.engine import Database
from vospace_server.storage.object_store import ObjectKey, ObjectStore

# Rows looked at or changed in one transaction: a few milliseconds.
_PAGE: Final = 500
# An upload that writes nothing to its temporary file for so long has ended.
_INCOMPLETE_LIFE: Final = timedelta(hours=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class GarbageReport:
    """What one collection has done; bytes are those of removed objects with known length."""

    marked: int
    abandoned: int
    removed_objects: int
    removed_bytes: int
    removed_incomplete: int

    @property
    def total(self) -> int:
        """How many things were removed."""
        return self.removed_objects + self.removed_incomplete


def _now() -> datetime:
    return datetime.now(UTC)


class GarbageService:
    """Collects garbage; any number of processes may do so at once."""

    def __init__(
        self,
        *,
        database: Database,
        store: ObjectStore,
        grace: timedelta,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._database = database
        self._store = store
        self._grace = grace
        self._clock = clock

    def collect(self) -> GarbageReport:
        """Mark what nobody refers to, and remove what nobody has for the time of grace.

        Raises StoreError when the store fails; what was not removed is found again.
        """
        marked = self._mark()
        now = self._clock()
        with self._database.write() as unit:
            unit.blobs.doom_unused(unused_before=now - self._grace)
            abandoned = unit.blobs.doom_abandoned(now=now)
        removed_objects, removed_bytes = self._remove()
        return GarbageReport(
            marked=marked,
            abandoned=abandoned,
            removed_objects=removed_objects,
            removed_bytes=removed_bytes,
            removed_incomplete=self._store.sweep_incomplete(now - _INCOMPLETE_LIFE),
        )

    def _mark(self) -> int:
        """Look at all blobs, page by page, and write only what has changed."""
        marked = 0
        after = ""
        while True:
            with self._database.read() as unit:
                page = unit.blobs.page_of_use(after, _PAGE)
            lost = [use.content_id for use in page if use.became_unused]
            found = [use.content_id for use in page if use.became_used]
            if lost or found:
                with self._database.write() as unit:
                    marked += unit.blobs.note_unused(lost, now=self._clock())
                    unit.blobs.note_used(found)
            if len(page) < _PAGE:
                return marked
            after = page[-1].content_id

    def _remove(self) -> tuple[int, int]:
        objects, size = 0, 0
        while True:
            with self._database.read() as unit:
                doomed = unit.blobs.doomed(_PAGE)
            for record in doomed:
                self._store.delete(ObjectKey(record.object_key))
                objects += 1
                size += record.length or 0
            if doomed:
                with self._database.write() as unit:
                    unit.blobs.forget([record.content_id for record in doomed])
            if len(doomed) < _PAGE:
                return objects, size
