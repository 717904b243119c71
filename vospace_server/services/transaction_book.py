"""TransactionBook: whose an upload in several requests is, and how long it goes on."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from vospace_model.faults import NodeNotFound, PermissionDenied
from vospace_model.uris import NodePath
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.database.uploads import PartRecord, UploadRecord, UploadState
from vospace_server.domain.identity import Caller
from vospace_server.domain.places import Absent, Found
from vospace_server.services.data import keep_upload_job
from vospace_server.services.tree import Tree, actor_id
from vospace_server.services.upload_conditions import UploadConditions
from vospace_server.services.upload_orders import UploadOrder
from vospace_server.services.uploads import (
    UPLOAD_LIFE_NS,
    UploadService,
    UploadTicket,
)
from vospace_server.storage.object_store import ObjectKey, Segment

# The collector and the sweeper of reservations leave a transaction to its own sweeper for so
# long after its end.
MARGIN: Final = timedelta(hours=2)


def utc_now() -> datetime:
    """The time, with its zone."""
    return datetime.now(UTC)


class TransactionBook:
    """What every request of a transaction begins and ends with, inside a unit of work."""

    def __init__(
        self,
        *,
        tree: Tree,
        uploads: UploadService,
        lifetime: timedelta,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.clock = clock
        self._tree = tree
        self._uploads = uploads
        self._lifetime = lifetime

    def until(self) -> datetime:
        """When a transaction ends of which nothing more is heard."""
        return self.clock() + self._lifetime

    def entry(self, ticket: UploadTicket, order: UploadOrder, content_id: str) -> UploadRecord:
        """The row of a transaction that begins."""
        return UploadRecord(
            upload_id=ticket.upload_id,
            owner_id=actor_id(ticket.caller),
            path=str(ticket.path),
            state=UploadState.OPEN,
            declared_length=order.declared_length,
            declared_md5=order.announced.md5,
            received_bytes=0,
            media_type=order.media_type,
            encoding=order.encoding,
            reservation_id=ticket.reservation_id,
            content_id=content_id,
            created=self.clock(),
            expires=self.until(),
        )

    def owned(
        self,
        unit: UnitOfWork,
        caller: Caller,
        path: NodePath,
        transaction_id: str,
        record: UploadRecord | None,
    ) -> tuple[UploadRecord, Found | Absent]:
        """The transaction and the place it writes to, if it is the caller's and may go on.

        Raises what UploadService.place does, NodeNotFound, and PermissionDenied.
        """
        place = self._uploads.place(unit, caller, path)
        if record is None or record.state is UploadState.ABANDONED:
            shown = transaction_id[:64]
            raise NodeNotFound(f"there is no upload {shown!r} (any more); start it again")
        if record.owner_id != actor_id(caller):
            raise PermissionDenied("this upload was started by somebody else")
        if record.path != str(place.path):
            raise NodeNotFound(f"this upload does not write {place.path}")
        return record, place

    def ticket(
        self, unit: UnitOfWork, caller: Caller, place: Found | Absent, record: UploadRecord
    ) -> UploadTicket:
        """The upload as the other requests of the transaction had it."""
        held = None
        if record.reservation_id is not None:
            held = unit.allocations.held_bytes(record.reservation_id)
        if isinstance(place, Absent):
            allocation_id, node_id, present = place.parent.allocation_id, None, 0
        else:
            node = place.node
            allocation_id, node_id, present = place.allocation_id, node.node_id, node.length
        return UploadTicket(
            upload_id=record.upload_id,
            caller=caller,
            path=place.path,
            conditions=UploadConditions(),
            declared_length=record.declared_length,
            allowed_bytes=None if held is None else held + present,
            reservation_id=record.reservation_id,
            allocation_id=allocation_id,
            node_id=node_id,
        )

    def keep_alive(
        self, unit: UnitOfWork, ticket: UploadTicket, content_id: str, job_id: str | None
    ) -> None:
        """Everything that would end by itself goes on for another lifetime.

        The node is marked as busy for no longer than after any other upload.
        """
        until = self.until()
        unit.uploads.expect(ticket.upload_id, expires=until)
        unit.blobs.keep_writing(content_id, writing_until=until + MARGIN)
        keep_upload_job(unit, job_id, until)
        if ticket.reservation_id is not None:
            until_ns = int((until + MARGIN).timestamp()) * 1_000_000_000
            unit.allocations.renew(ticket.reservation_id, more_bytes=0, expires_ns=until_ns)
        if ticket.node_id is not None:
            busy_ns = self._tree.clock() + UPLOAD_LIFE_NS
            unit.nodes.renew_busy(ticket.node_id, ticket.upload_id, busy_ns)


def key_of(unit: UnitOfWork, record: UploadRecord) -> ObjectKey:
    """The object that the transaction makes. Raises NodeNotFound when it was given up."""
    blob = unit.blobs.get(record.content_id)
    if blob is None:
        raise NodeNotFound("this upload was given up because it took too long; start it again")
    return ObjectKey(blob.object_key)


def segments_of(parts: Sequence[PartRecord]) -> list[Segment]:
    """The parts as the store knows them."""
    return [Segment(name=part.object_key, length=part.length) for part in parts]


def is_whole(parts: Sequence[PartRecord], key: str) -> bool:
    """Whether the bytes came in one request, straight into the object."""
    return bool(parts) and parts[0].object_key == key
