"""TransactionEnds: how uploads in several requests come to count, or to nothing.

Commit closes the transaction, lets the store make one object of what has come, and makes the
node point at it. Each step may be repeated, so a crash between two of them is cured by the next
commit, abort or sweep.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from vospace_model.faults import InvalidArgument, NodeBusy, TransferFailed
from vospace_model.uris import NodePath
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.database.uploads import PartRecord, UploadRecord, UploadState
from vospace_server.domain.content import Content
from vospace_server.domain.digests import Digests
from vospace_server.domain.identity import Caller
from vospace_server.domain.places import Found
from vospace_server.services.job_ledger import check_job_takes_bytes, complete_job
from vospace_server.services.quota import settle
from vospace_server.services.running_digests import DigestMemory
from vospace_server.services.transaction_book import (
    TransactionBook,
    is_whole,
    key_of,
    segments_of,
)
from vospace_server.services.tree import Tree
from vospace_server.services.upload_orders import Stored, UploadOrder
from vospace_server.services.uploads import UploadedContent, UploadService, UploadTicket
from vospace_server.storage.object_store import ObjectKey, ObjectStore, SegmentBusyError

_PAGE: Final = 100


class _CommittedBeforeError(Exception):
    """Somebody else has just committed the same transaction."""


class TransactionEnds:
    """Commits transactions, gives them up, and sweeps those that nobody ended."""

    def __init__(
        self,
        *,
        book: TransactionBook,
        tree: Tree,
        uploads: UploadService,
        store: ObjectStore,
        memory: DigestMemory,
    ) -> None:
        self._book = book
        self._tree = tree
        self._uploads = uploads
        self._store = store
        self._memory = memory

    def commit(self, caller: Caller, transaction_id: str, order: UploadOrder) -> Stored:
        """Make the bytes the content of the node. Repeating it is harmless.

        Raises InvalidArgument when bytes are missing, PreconditionFailed when a digest or a
        condition does not hold, NodeBusy while a segment is coming, and the faults of
        UploadService.commit_upload; then it may be tried again, or aborted.
        """
        caller = self._tree.informed(caller, order.path)

        def look(unit: UnitOfWork) -> tuple[UploadRecord, UploadTicket, str]:
            record = unit.uploads.lock(transaction_id)
            found, place = self._book.owned(unit, caller, order.path, transaction_id, record)
            _check_complete(found)
            ticket = self._book.ticket(unit, caller, place, found)
            return found, replace(ticket, conditions=order.conditions), key_of(unit, found)

        found, ticket, key = self._tree.database.retrying(look)
        content = self._content(found, ObjectKey(key))
        Digests(md5=found.declared_md5).check(Digests(md5=content.md5))
        order.announced.check(Digests(md5=content.md5, sha256=content.sha256))
        if found.state is UploadState.COMMITTED:
            return self._stored_before(caller, order.path, content)
        self._join(found, ObjectKey(key))
        try:
            return self._commit(ticket, found, content, order)
        except _CommittedBeforeError:
            return self._stored_before(caller, order.path, content)

    def abort(self, caller: Caller, path: NodePath, transaction_id: str) -> None:
        """Give up; nothing is left of it. Raises InvalidArgument after commit."""
        caller = self._tree.informed(caller, path)

        def work(unit: UnitOfWork) -> UploadRecord:
            record = unit.uploads.lock(transaction_id)
            found, place = self._book.owned(unit, caller, path, transaction_id, record)
            if found.state is UploadState.COMMITTED:
                raise InvalidArgument("this upload has been committed; delete the node instead")
            if isinstance(place, Found):
                unit.nodes.clear_busy(place.node.node_id, transaction_id)
            self._give_up(unit, found)
            return found

        self._remove(self._tree.database.retrying(work))

    def sweep(self) -> int:
        """End what has outlived its time and remove what is left of it; says how many."""
        with self._tree.database.read() as unit:
            expired = unit.uploads.expired(now=self._book.clock(), limit=_PAGE)
        for record in expired:
            self._end(record)
        return len(expired)

    def _content(self, record: UploadRecord, key: ObjectKey) -> Content:
        with self._tree.database.read() as unit:
            blob = unit.blobs.get(record.content_id)
            parts = unit.uploads.parts(record.upload_id)
        md5 = parts[-1].md5
        # After a segment was taken back, the blob still has the digests from before.
        noted = blob if blob is not None and blob.length == record.received_bytes else None
        if noted is not None and noted.md5 == md5 and noted.sha256 is not None:
            sha256 = noted.sha256
        else:
            digests = self._memory.after(
                record.upload_id,
                record.received_bytes,
                lambda: self._store.read_segments(key, segments_of(parts)),
            )
            sha256 = digests.sha256.hexdigest()
        return Content(
            content_id=record.content_id,
            object_key=key,
            length=record.received_bytes,
            md5=md5,
            sha256=sha256,
        )

    def _join(self, record: UploadRecord, key: ObjectKey) -> None:
        """Let no segment come any more, and make one object of those that have."""

        def close(unit: UnitOfWork) -> Sequence[PartRecord]:
            locked = unit.uploads.lock(record.upload_id)
            if locked is None or locked.received_bytes != record.received_bytes:
                raise NodeBusy("a segment of this upload has come meanwhile")
            if locked.state is UploadState.OPEN:
                until = self._book.until()
                unit.uploads.enter(record.upload_id, UploadState.COMMITTING, expires=until)
            return unit.uploads.parts(record.upload_id)

        parts = self._tree.database.retrying(close)
        if is_whole(parts, key):
            return
        try:
            self._store.join(key, segments_of(parts))
        except SegmentBusyError as error:
            raise NodeBusy("a segment of this upload is being received") from error

    def _commit(
        self, ticket: UploadTicket, record: UploadRecord, content: Content, order: UploadOrder
    ) -> Stored:
        def also(unit: UnitOfWork) -> None:
            locked = unit.uploads.lock(record.upload_id)
            if locked is not None and locked.state is UploadState.COMMITTED:
                raise _CommittedBeforeError
            check_job_takes_bytes(unit, order.job_id)
            now = self._book.clock()
            kept = locked is not None and unit.blobs.store(
                content.content_id,
                length=content.length,
                md5=content.md5,
                sha256=content.sha256,
                now=now,
            )
            if not kept:
                raise TransferFailed("the upload was given up meanwhile")
            # Whoever has not heard of it may ask again.
            until = self._book.until()
            unit.uploads.enter(record.upload_id, UploadState.COMMITTED, expires=until)
            if order.job_id is not None:
                complete_job(unit, order.job_id, now=now)

        uploaded = UploadedContent(
            content=content,
            media_type=record.media_type,
            encoding=record.encoding,
            mtime_ns=order.mtime_ns,
        )
        done = self._uploads.commit_upload(ticket, uploaded, also=also)
        return Stored(view=done.view, content=content, created=done.created)

    def _stored_before(self, caller: Caller, path: NodePath, content: Content) -> Stored:
        with self._tree.database.read() as unit:
            found = self._tree.walker(unit).get(caller, path, follow_leaf=True)
            view = self._tree.view(unit, caller, found)
        return Stored(view=view, content=content, created=False)

    def _end(self, expired: UploadRecord) -> None:
        """What the sweeper does with one row."""

        def work(unit: UnitOfWork) -> UploadRecord | None:
            record = unit.uploads.lock(expired.upload_id)
            if record is None or record.state is UploadState.ABANDONED:
                return record
            if record.expires >= self._book.clock():
                return None  # heard of since it was found
            if record.state is UploadState.COMMITTED:
                unit.uploads.remove(record.upload_id)
                return None
            self._give_up(unit, record)
            return record

        given_up = self._tree.database.retrying(work)
        if given_up is not None:
            self._remove(given_up)

    def _give_up(self, unit: UnitOfWork, record: UploadRecord) -> None:
        settle(unit, record.reservation_id, None, size_bytes=0, files=0)
        now = self._book.clock()
        unit.uploads.enter(record.upload_id, UploadState.ABANDONED, expires=now)

    def _remove(self, record: UploadRecord) -> None:
        """Remove the bytes, then the row; what fails on the way is found again by it."""
        with self._tree.database.read() as unit:
            blob = unit.blobs.get(record.content_id)
            parts = unit.uploads.parts(record.upload_id)
        key = parts[0].object_key.partition(".")[0] if blob is None and parts else None
        key = key if blob is None else blob.object_key
        if key is not None:
            self._store.drop_segments(ObjectKey(key))
            self._store.delete(ObjectKey(key))

        def forget(unit: UnitOfWork) -> None:
            unit.blobs.doom_writing(record.content_id)
            unit.blobs.forget([record.content_id])
            unit.uploads.remove(record.upload_id)

        self._tree.database.retrying(forget)


def _check_complete(record: UploadRecord) -> None:
    if record.received_bytes == 0:
        raise InvalidArgument("no bytes have come yet")
    total = record.declared_length
    if total is not None and record.received_bytes != total:
        raise InvalidArgument(
            f"{total} bytes were announced for the whole, {record.received_bytes} have come"
        )
