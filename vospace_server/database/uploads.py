"""UploadRepository: uploads that take several requests, and the parts that have come."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, insert, select, update

from vospace_server.database.schema import upload, upload_part


class UploadState(enum.StrEnum):
    """How far an upload in several requests has come."""

    OPEN = "open"
    COMMITTING = "committing"
    COMMITTED = "committed"
    ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadRecord:
    """One row: who writes what where, and until when the server waits for more of it."""

    upload_id: str
    owner_id: int
    path: str
    state: UploadState
    declared_length: int | None
    declared_md5: str | None
    received_bytes: int
    media_type: str | None
    encoding: str | None
    reservation_id: str | None
    content_id: str
    created: datetime
    expires: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRecord:
    """A part that has come; `md5` is that of everything up to its end, hexadecimal."""

    number: int
    object_key: str
    length: int
    md5: str


class UploadRepository:
    """The rows of the tables `upload` and `upload_part`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, record: UploadRecord) -> None:
        """An upload that has begun."""
        self._connection.execute(
            insert(upload).values(
                id=record.upload_id,
                owner_id=record.owner_id,
                path=record.path,
                state=record.state,
                declared_length=record.declared_length,
                declared_md5=record.declared_md5,
                received_bytes=record.received_bytes,
                media_type=record.media_type,
                encoding=record.encoding,
                reservation_id=record.reservation_id,
                content_id=record.content_id,
                created_at=record.created,
                expires_at=record.expires,
            )
        )

    def get(self, upload_id: str) -> UploadRecord | None:
        """The upload of this id."""
        return self._one(select(upload).where(upload.c.id == upload_id))

    def lock(self, upload_id: str) -> UploadRecord | None:
        """The same, and nobody else may change it before the end of the transaction."""
        return self._one(select(upload).where(upload.c.id == upload_id).with_for_update())

    def expect(self, upload_id: str, *, expires: datetime) -> None:
        """Wait for more of it until then."""
        self._change(upload_id, expires_at=expires)

    def enter(self, upload_id: str, state: UploadState, *, expires: datetime) -> None:
        """Let it be in a state."""
        self._change(upload_id, state=state, expires_at=expires)

    def expired(self, *, now: datetime, limit: int) -> Sequence[UploadRecord]:
        """Uploads that have outlived their time or left remains to be removed."""
        query = (
            select(upload)
            .where((upload.c.expires_at < now) | (upload.c.state == UploadState.ABANDONED))
            .order_by(upload.c.expires_at)
            .limit(limit)
        )
        return [_record(row) for row in self._connection.execute(query)]

    def remove(self, upload_id: str) -> None:
        """Forget an upload and its parts."""
        self._connection.execute(
            delete(upload_part).where(upload_part.c.upload_id == upload_id)
        )
        self._connection.execute(delete(upload).where(upload.c.id == upload_id))

    # ------------------------------------------------------------------ parts

    def parts(self, upload_id: str) -> Sequence[PartRecord]:
        """The parts in their order."""
        rows = self._connection.execute(
            select(upload_part)
            .where(upload_part.c.upload_id == upload_id)
            .order_by(upload_part.c.number)
        )
        return [
            PartRecord(
                number=row.number, object_key=row.object_key, length=row.length, md5=row.md5
            )
            for row in rows
        ]

    def add_part(self, upload_id: str, part: PartRecord, *, now: datetime) -> None:
        """A part that is on stable storage."""
        self._connection.execute(
            insert(upload_part).values(
                upload_id=upload_id,
                number=part.number,
                object_key=part.object_key,
                length=part.length,
                md5=part.md5,
                stored_at=now,
            )
        )
        received = upload.c.received_bytes + part.length
        self._change(upload_id, received_bytes=received)

    def take_back(self, upload_id: str, part: PartRecord) -> None:
        """Forget the last part."""
        self._connection.execute(
            delete(upload_part).where(
                upload_part.c.upload_id == upload_id, upload_part.c.number == part.number
            )
        )
        received = upload.c.received_bytes - part.length
        self._change(upload_id, received_bytes=received)

    def _change(self, upload_id: str, **values: Any) -> None:
        self._connection.execute(
            update(upload).where(upload.c.id == upload_id).values(**values)
        )

    def _one(self, query: Select[Any]) -> UploadRecord | None:
        row = self._connection.execute(query).one_or_none()
        return None if row is None else _record(row)


def _record(row: Row[Any]) -> UploadRecord:
    return UploadRecord(
        upload_id=row.id,
        owner_id=row.owner_id,
        path=row.path,
        state=UploadState(row.state),
        declared_length=row.declared_length,
        declared_md5=row.declared_md5,
        received_bytes=row.received_bytes,
        media_type=row.media_type,
        encoding=row.encoding,
        reservation_id=row.reservation_id,
        content_id=row.content_id,
        created=row.created_at,
        expires=row.expires_at,
    )
