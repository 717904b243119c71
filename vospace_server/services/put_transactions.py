"""PutTransactionService: uploads in several requests (contract 2.5), as long as bytes come.

A transaction is a row of `upload`; what has come of it is in its parts, and the bytes are in
the store. Nothing is kept in memory but digests, which can be computed again, so any process
may take the next request, also after a restart. Bytes are reserved from the start for as long
as the transaction may live; one that is given up or not heard of gives them back.
"""

from collections.abc import Sequence
from dataclasses import replace

from vospace_model.faults import (
    InvalidArgument,
    NodeBusy,
    OperationNotSupported,
    TransferFailed,
)
from vospace_model.uris import NodePath
from vospace_server.database.blobs import NewBlob
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.database.uploads import PartRecord, UploadRecord, UploadState
from vospace_server.domain.content import Content, new_content_id
from vospace_server.domain.identity import Caller
from vospace_server.domain.reserved_names import is_null
from vospace_server.services.data import DataService, Upload
from vospace_server.services.job_ledger import check_job_takes_bytes
from vospace_server.services.running_digests import DigestMemory, RunningDigests
from vospace_server.services.segments import (
    Coming,
    Progress,
    SegmentLimits,
    SegmentOrder,
    SegmentUpload,
    check_segment,
    require_open,
)
from vospace_server.services.transaction_book import (
    MARGIN,
    TransactionBook,
    is_whole,
    key_of,
    segments_of,
)
from vospace_server.services.tree import Tree
from vospace_server.services.upload_orders import UploadOrder
from vospace_server.services.uploads import UploadService, UploadTicket
from vospace_server.storage.object_store import ObjectStore, SegmentBusyError, new_key


class PutTransactionService:
    """Starts transactions and takes their parts. TransactionEnds ends them."""

    def __init__(  # noqa: PLR0913 - what it joins
        self,
        *,
        book: TransactionBook,
        tree: Tree,
        uploads: UploadService,
        data: DataService,
        store: ObjectStore,
        memory: DigestMemory,
        limits: SegmentLimits | None = None,
    ) -> None:
        self.limits = limits or SegmentLimits()
        self._book = book
        self._tree = tree
        self._uploads = uploads
        self._data = data
        self._store = store
        self._memory = memory

    def start(self, caller: Caller, order: UploadOrder) -> Progress:
        """A transaction for `declared_length` bytes (None: unknown) that come in segments.

        Raises what UploadService.begin_upload raises.
        """
        _refuse_sink(order)
        content_id, key = new_content_id(), new_key()

        def note(unit: UnitOfWork) -> None:
            until = self._book.until() + MARGIN
            check_job_takes_bytes(unit, order.job_id)
            blob = NewBlob(content_id=content_id, object_key=key)
            unit.blobs.begin([blob], now=self._book.clock(), writing_until=until)

        ticket = self._uploads.begin_upload(
            caller,
            order.path,
            declared_length=order.declared_length,
            conditions=order.conditions,
            also=note,
        )

        def work(unit: UnitOfWork) -> None:
            unit.uploads.add(self._book.entry(ticket, order, content_id))
            self._book.keep_alive(unit, ticket, content_id, order.job_id)

        self._tree.database.retrying(work)
        return Progress(
            transaction_id=ticket.upload_id,
            received_bytes=0,
            total_bytes=order.declared_length,
            md5=None,
        )

    def begin_whole(self, caller: Caller, order: UploadOrder) -> Upload:
        """An upload that `hold` will keep from its node. Raises what DataService.begin does."""
        _refuse_sink(order)
        return self._data.begin(caller, order)

    def hold(self, upload: Upload, order: UploadOrder) -> Progress:
        """A transaction that has all its bytes, in an upload that ends here; commit follows.

        Raises what Upload.commit raises of digests and lengths.
        """
        return upload.end(lambda ticket, content: self._held(ticket, content, order))

    def _held(self, ticket: UploadTicket, content: Content, order: UploadOrder) -> Progress:
        part = PartRecord(
            number=0, object_key=content.object_key, length=content.length, md5=content.md5
        )
        sized = replace(order, declared_length=content.length)

        def work(unit: UnitOfWork) -> None:
            unit.uploads.add(self._book.entry(ticket, sized, content.content_id))
            unit.uploads.add_part(ticket.upload_id, part, now=self._book.clock())
            unit.blobs.note_progress(
                content.content_id,
                length=content.length,
                md5=content.md5,
                sha256=content.sha256,
            )
            self._book.keep_alive(unit, ticket, content.content_id, order.job_id)

        self._tree.database.retrying(work)
        return Progress(
            transaction_id=ticket.upload_id,
            received_bytes=content.length,
            total_bytes=content.length,
            md5=content.md5,
        )

    def progress(self, caller: Caller, path: NodePath, transaction_id: str) -> Progress:
        """How far it is. Raises NodeNotFound or PermissionDenied."""
        caller = self._tree.informed(caller, path)
        with self._tree.database.read() as unit:
            record = unit.uploads.get(transaction_id)
            found, _ = self._book.owned(unit, caller, path, transaction_id, record)
            return _progress(found, unit.uploads.parts(transaction_id))

    def add_segment(
        self, caller: Caller, path: NodePath, transaction_id: str, order: SegmentOrder
    ) -> SegmentUpload:
        """Let the next segment come; commit or abandon it afterwards.

        Raises NodeNotFound, PermissionDenied, InvalidArgument for a segment of a length that
        can't be or for a transaction that is over, RangeNotSatisfiable for one that belongs
        elsewhere, and NodeBusy while another one is coming.
        """
        caller = self._tree.informed(caller, path)
        with self._tree.database.read() as unit:
            record = unit.uploads.get(transaction_id)
            found, _ = self._book.owned(unit, caller, path, transaction_id, record)
            require_open(found)
            key = key_of(unit, found)
        try:
            writer = self._store.add_segment(key)
        except SegmentBusyError as error:
            raise NodeBusy("another segment of this upload is being received") from error
        try:
            # From here on nobody else adds to it, where the store can tell.
            coming, parts = self._coming(caller, path, transaction_id, order)
            digests = self._memory.after(
                transaction_id,
                coming.record.received_bytes,
                lambda: self._store.read_segments(key, segments_of(parts)),
            )
            writer.begin(coming.record.received_bytes)
        except BaseException:
            writer.abort()
            writer.close()
            raise
        return SegmentUpload(
            coming, keeper=self, data=self._data, writer=writer, digests=digests
        )

    def keep_part(
        self,
        ticket: UploadTicket,
        record: UploadRecord,
        part: PartRecord,
        digests: RunningDigests,
        job_id: str | None,
    ) -> Progress:
        """Let a segment count that is on stable storage: for SegmentUpload alone."""

        def work(unit: UnitOfWork) -> None:
            locked = unit.uploads.lock(record.upload_id)
            if locked is None or locked.state is not UploadState.OPEN:
                raise TransferFailed("the upload was ended while a segment was being received")
            if locked.received_bytes != record.received_bytes:
                raise NodeBusy("another segment of this upload has come meanwhile")
            unit.uploads.add_part(record.upload_id, part, now=self._book.clock())
            unit.blobs.note_progress(
                record.content_id,
                length=digests.length,
                md5=part.md5,
                sha256=digests.sha256.hexdigest(),
            )
            self._book.keep_alive(unit, ticket, record.content_id, job_id)

        self._tree.database.retrying(work)
        self._memory.keep(record.upload_id, digests)
        return Progress(
            transaction_id=record.upload_id,
            received_bytes=digests.length,
            total_bytes=record.declared_length,
            md5=part.md5,
        )

    def renew(self, ticket: UploadTicket, record: UploadRecord, job_id: str | None) -> None:
        """Say that a segment is still coming: for SegmentUpload alone."""
        self._tree.database.retrying(
            lambda unit: self._book.keep_alive(unit, ticket, record.content_id, job_id),
            durable=False,
        )

    def grow(self, ticket: UploadTicket, needed_bytes: int) -> UploadTicket:
        """Room for so many bytes in all. Raises QuotaExceeded."""
        return self._uploads.grow(ticket, needed_bytes)

    def revert(self, caller: Caller, path: NodePath, transaction_id: str) -> Progress:
        """Take the last segment back. Raises InvalidArgument when there is none."""
        caller = self._tree.informed(caller, path)

        def work(unit: UnitOfWork) -> Progress:
            record = unit.uploads.lock(transaction_id)
            found, _ = self._book.owned(unit, caller, path, transaction_id, record)
            require_open(found)
            parts = unit.uploads.parts(transaction_id)
            if not parts:
                raise InvalidArgument("no segment has come that could be taken back")
            if is_whole(parts, key_of(unit, found)):
                raise InvalidArgument("the file came in one request; abort and start again")
            unit.uploads.take_back(transaction_id, parts[-1])
            unit.uploads.expect(transaction_id, expires=self._book.until())
            received = found.received_bytes - parts[-1].length
            return _progress(replace(found, received_bytes=received), parts[:-1])

        return self._tree.database.retrying(work)

    def _coming(
        self, caller: Caller, path: NodePath, transaction_id: str, order: SegmentOrder
    ) -> tuple[Coming, Sequence[PartRecord]]:
        with self._tree.database.read() as unit:
            record = unit.uploads.get(transaction_id)
            found, place = self._book.owned(unit, caller, path, transaction_id, record)
            parts = unit.uploads.parts(transaction_id)
            if is_whole(parts, key_of(unit, found)):
                raise InvalidArgument("the file came in one request; commit it")
            check_segment(found, parts, order, self.limits)
            ticket = self._book.ticket(unit, caller, place, found)
        coming = Coming(
            record=found,
            number=len(parts),
            ticket=ticket,
            order=order,
            limits=self.limits,
        )
        return coming, parts


def _progress(record: UploadRecord, parts: Sequence[PartRecord]) -> Progress:
    return Progress(
        transaction_id=record.upload_id,
        received_bytes=record.received_bytes,
        total_bytes=record.declared_length,
        md5=parts[-1].md5 if parts else None,
    )


def _refuse_sink(order: UploadOrder) -> None:
    if order.job_id is not None and is_null(order.path):
        raise OperationNotSupported("what is written to .null comes in one request")
