"""BlobRepository: which objects exist in the store, and what became of each.

A blob is `writing` from before its first byte, `stored` from the transaction that makes a node
refer to it, and `doomed` from the moment its removal is decided. Only stored blobs may be
referred to. A row outlives its object, so nothing in the store is ever without a row.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    Connection,
    Row,
    Select,
    Text,
    and_,
    bindparam,
    delete,
    exists,
    insert,
    select,
    update,
)

from vospace_server.database.schema import blob, node
from vospace_server.domain.content import Content


class BlobState(enum.StrEnum):
    """What became of a blob."""

    WRITING = "writing"
    STORED = "stored"
    DOOMED = "doomed"


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobRecord:
    """One row: an object and, once it is stored, its length and digests (hexadecimal)."""

    content_id: str
    object_key: str
    state: BlobState
    length: int | None
    md5: str | None
    sha256: str | None
    created: datetime
    stored: datetime | None
    writing_until: datetime | None
    verified: datetime | None
    damage: str | None
    unused_since: datetime | None

    @property
    def content(self) -> Content:
        """What nodes know of a stored blob."""
        return Content(
            content_id=self.content_id,
            object_key=self.object_key,
            length=self.length or 0,
            md5=self.md5 or "",
            sha256=self.sha256 or "",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobUse:
    """Whether a node refers to a blob, and whether it is marked as if none did."""

    content_id: str
    marked: bool
    used: bool

    @property
    def became_unused(self) -> bool:
        """No node refers to it, and that is news."""
        return not self.used and not self.marked

    @property
    def became_used(self) -> bool:
        """A node refers to it again."""
        return self.used and self.marked


# Built once: SQLAlchemy then finds their compiled text without looking at them again.
_CONTENT_ID: Final = bindparam("of_content", type_=Text)
_GET: Final = select(blob).where(blob.c.content_id == _CONTENT_ID)
_GET_ALL: Final = select(blob).where(
    blob.c.content_id.in_(bindparam("of_contents", expanding=True))
)
_BEGIN: Final = insert(blob).values(state=BlobState.WRITING)
_WRITING: Final = and_(blob.c.content_id == _CONTENT_ID, blob.c.state == BlobState.WRITING)
_STORE: Final = (
    update(blob)
    .where(_WRITING)
    .values(
        {
            column: bindparam(f"new_{column.name}", type_=column.type)
            for column in (blob.c.length, blob.c.md5, blob.c.sha256, blob.c.stored_at)
        }
        | {blob.c.state: BlobState.STORED, blob.c.writing_until: None}
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBlob:
    """A content that an object is about to be written for."""

    content_id: str
    object_key: str


class BlobRepository:
    """The rows of the table `blob`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, content_id: str) -> BlobRecord | None:
        """The blob of this content."""
        row = self._connection.execute(_GET, {"of_content": content_id}).one_or_none()
        return None if row is None else _record(row)

    def get_all(self, content_ids: Sequence[str]) -> dict[str, BlobRecord]:
        """Those of the blobs that exist, by content id; one query."""
        rows = self._connection.execute(_GET_ALL, {"of_contents": content_ids})
        return {row.content_id: _record(row) for row in rows}

    def by_key(self, object_key: str) -> BlobRecord | None:
        """The blob kept under this key of the store."""
        return self._one(select(blob).where(blob.c.object_key == object_key))

    def keys_of(self, content_ids: Sequence[str]) -> dict[str, str]:
        """The keys of the store under which these contents are kept."""
        query = select(blob.c.content_id, blob.c.object_key)
        rows = self._connection.execute(query.where(blob.c.content_id.in_(content_ids)))
        return {row.content_id: row.object_key for row in rows}

    def begin(
        self, blobs: Sequence[NewBlob], *, now: datetime, writing_until: datetime
    ) -> None:
        """Note that objects are about to be written."""
        self._connection.execute(
            _BEGIN,
            [
                {
                    "content_id": new.content_id,
                    "object_key": new.object_key,
                    "created_at": now,
                    "writing_until": writing_until,
                }
                for new in blobs
            ],
        )

    def keep_writing(self, content_id: str, *, writing_until: datetime) -> bool:
        """Say that the writer lives; false when the blob was given up meanwhile."""
        statement = update(blob).where(
            blob.c.content_id == content_id, blob.c.state == BlobState.WRITING
        )
        changed = self._connection.execute(statement.values(writing_until=writing_until))
        return changed.rowcount == 1

    def store(
        self, content_id: str, *, length: int, md5: str, sha256: str, now: datetime
    ) -> bool:
        """The object is complete; false when the blob was given up meanwhile."""
        changed = self._connection.execute(
            _STORE,
            {
                "of_content": content_id,
                "new_length": length,
                "new_md5": md5,
                "new_sha256": sha256,
                "new_stored_at": now,
            },
        )
        return changed.rowcount == 1

    def note_progress(self, content_id: str, *, length: int, md5: str, sha256: str) -> None:
        """Keep how much there is of an object that several requests write, and its digests."""
        self._connection.execute(
            update(blob)
            .where(blob.c.content_id == content_id, blob.c.state == BlobState.WRITING)
            .values(length=length, md5=md5, sha256=sha256)
        )

    def withdraw(self, content_ids: Sequence[str]) -> None:
        """Remove the rows of objects that were never written."""
        self._connection.execute(
            delete(blob).where(
                blob.c.content_id.in_(content_ids), blob.c.state == BlobState.WRITING
            )
        )

    def doom_writing(self, content_id: str) -> bool:
        """Give up an upload whose object may be removed; false when it counts already."""
        changed = self._connection.execute(
            update(blob)
            .where(blob.c.content_id == content_id, blob.c.state == BlobState.WRITING)
            .values(state=BlobState.DOOMED, writing_until=None)
        )
        return changed.rowcount == 1

    def doom_abandoned(self, *, now: datetime) -> int:
        """Give up every upload whose writer has not been heard of; says how many."""
        changed = self._connection.execute(
            update(blob)
            .where(blob.c.state == BlobState.WRITING, blob.c.writing_until < now)
            .values(state=BlobState.DOOMED, writing_until=None)
        )
        return changed.rowcount

    def page_of_use(self, after: str, limit: int) -> Sequence[BlobUse]:
        """Stored blobs behind `after`, in the order of their ids, and who refers to them."""
        query = (
            select(
                blob.c.content_id,
                blob.c.unused_since.is_not(None).label("marked"),
                _referred_to().label("used"),
            )
            .where(blob.c.state == BlobState.STORED, blob.c.content_id > after)
            .order_by(blob.c.content_id)
            .limit(limit)
        )
        return [
            BlobUse(content_id=row.content_id, marked=bool(row.marked), used=bool(row.used))
            for row in self._connection.execute(query)
        ]

    def note_unused(self, content_ids: Sequence[str], *, now: datetime) -> int:
        """Mark those of the blobs that no node refers to; says how many."""
        changed = self._connection.execute(
            update(blob)
            .where(blob.c.content_id.in_(content_ids), ~_referred_to())
            .values(unused_since=now)
        )
        return changed.rowcount

    def note_used(self, content_ids: Sequence[str]) -> None:
        """Take the mark from blobs that a node refers to again."""
        self._connection.execute(
            update(blob).where(blob.c.content_id.in_(content_ids)).values(unused_since=None)
        )

    def keep(self, content_ids: Sequence[str]) -> dict[str, Content]:
        """Those of the contents that are stored, kept from being given up meanwhile.

        Before the transaction ends, a node must refer to each. The rows are shared with other
        copies and kept from everybody else. A mark that a node's removal has left is taken
        away, so that a collector which waits for us looks again.
        """
        query = (
            select(blob)
            .where(blob.c.content_id.in_(content_ids), blob.c.state == BlobState.STORED)
            .order_by(blob.c.content_id)
            .with_for_update(read=True)
        )
        records = self._all(query)
        marked = [each.content_id for each in records if each.unused_since is not None]
        if marked:
            self.note_used(marked)
        return {each.content_id: each.content for each in records}

    def doom_unused(self, *, unused_before: datetime) -> int:
        """Give up blobs that have been without a node since before a moment; how many."""
        changed = self._connection.execute(
            update(blob)
            .where(
                blob.c.state == BlobState.STORED,
                blob.c.unused_since < unused_before,
                ~_referred_to(),
            )
            .values(state=BlobState.DOOMED)
        )
        return changed.rowcount

    def doomed(self, limit: int) -> Sequence[BlobRecord]:
        """Blobs whose objects are to be removed."""
        query = select(blob).where(blob.c.state == BlobState.DOOMED).limit(limit)
        return self._all(query.order_by(blob.c.content_id))

    def forget(self, content_ids: Sequence[str]) -> None:
        """Remove the rows of doomed blobs whose objects are gone."""
        self._connection.execute(
            delete(blob).where(
                blob.c.content_id.in_(content_ids), blob.c.state == BlobState.DOOMED
            )
        )

    def page_of_stored(self, after: str, limit: int) -> Sequence[BlobRecord]:
        """Stored blobs in the order of their content ids, beginning behind `after`."""
        query = select(blob).where(blob.c.state == BlobState.STORED, blob.c.content_id > after)
        return self._all(query.order_by(blob.c.content_id).limit(limit))

    def note_verified(self, content_id: str, *, now: datetime, damage: str | None) -> None:
        """Keep what reading all bytes has shown; None when they were right."""
        self._connection.execute(
            update(blob)
            .where(blob.c.content_id == content_id)
            .values(verified_at=now, damage=damage)
        )

    def _one(self, query: Select[Any]) -> BlobRecord | None:
        row = self._connection.execute(query).one_or_none()
        return None if row is None else _record(row)

    def _all(self, query: Select[Any]) -> Sequence[BlobRecord]:
        return [_record(row) for row in self._connection.execute(query)]


def _referred_to() -> Any:
    return exists().where(node.c.content_id == blob.c.content_id)


def _record(row: Row[Any]) -> BlobRecord:
    return BlobRecord(
        content_id=row.content_id,
        object_key=row.object_key,
        state=BlobState(row.state),
        length=row.length,
        md5=row.md5,
        sha256=row.sha256,
        created=row.created_at,
        stored=row.stored_at,
        writing_until=row.writing_until,
        verified=row.verified_at,
        damage=row.damage,
        unused_since=row.unused_since,
    )
