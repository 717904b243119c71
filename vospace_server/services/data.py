"""DataService: an upload from its first chunk to the transaction that makes it count.

The bytes go to a new object, hashed on the way, while no transaction is open. Then the object
is made durable, and one transaction points the node at it. Whatever goes wrong before that
leaves the node as it was; what is left in the store is removed at once, or by the collector if
even that fails.
"""

import hashlib
import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

from vospace_model.faults import (
    ContainerNotFound,
    Fault,
    InvalidArgument,
    NodeBusy,
    NodeNotFound,
    QuotaExceeded,
    TransferFailed,
)
from vospace_model.uris import NodePath
from vospace_server.database.blobs import NewBlob
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.domain.access import Action, require
from vospace_server.domain.content import Content, new_content_id
from vospace_server.domain.digests import Digests
from vospace_server.domain.identity import Caller
from vospace_server.domain.node_view import NodeView
from vospace_server.domain.places import Absent, Found
from vospace_server.domain.reserved_names import is_null
from vospace_server.services.job_ledger import (
    check_job_takes_bytes,
    complete_job,
    keep_job_alive,
)
from vospace_server.services.reading import ReadingService
from vospace_server.services.reserved_blobs import ReservedBlobs
from vospace_server.services.sink import DiscardedUpload
from vospace_server.services.tickets import ReadTicket
from vospace_server.services.tree import Tree, usage_of
from vospace_server.services.upload_orders import Stored, UploadOrder
from vospace_server.services.uploads import (
    UploadedContent,
    UploadService,
    UploadTicket,
)
from vospace_server.storage.object_store import (
    ObjectKey,
    ObjectStore,
    ObjectWriter,
    StoreError,
)

_LOG = logging.getLogger(__name__)

T = TypeVar("T")

# Reservations live for five minutes without a sign of life; this is often enough.
_RENEW_SECONDS: Final = 60.0
_HASHING_THREADS: Final = 4
# Less is hashed sooner than another thread would begin.
_WORTH_A_THREAD_BYTES: Final = 256 * 1024
# Longer than any sync of a large object takes: after this the collector may have the object.
_WRITING_LIFE: Final = timedelta(hours=2)


class DataService:
    """Begins uploads. Reading is the business of ReadingService."""

    def __init__(
        self,
        *,
        tree: Tree,
        uploads: UploadService,
        reading: ReadingService,
        store: ObjectStore,
    ) -> None:
        self._tree = tree
        self._uploads = uploads
        self._reading = reading
        self._store = store
        self._reserved = ReservedBlobs(database=tree.database, store=store)
        # md5 is the slowest step of an upload; in a thread of its own it overlaps with the
        # others (hashlib lets other threads run meanwhile).
        self._hashing = ThreadPoolExecutor(_HASHING_THREADS, thread_name_prefix="md5")

    def take(self, caller: Caller, order: UploadOrder) -> "Upload | DiscardedUpload":
        """As `begin`, but an order of a job's for `.null` is discarded."""
        if order.job_id is None or not is_null(order.path):
            return self.begin(caller, order)
        view = self._check_sink(caller, order.path, order.job_id)
        return DiscardedUpload(database=self._tree.database, order=order, view=view)

    def begin(self, caller: Caller, order: UploadOrder) -> "Upload":
        """Let an upload begin; commit or abandon it afterwards.

        Raises the faults of UploadService.begin_upload, PermissionDenied when the order's job
        has ended, StoreFullError or StoreError.
        """
        content_id = new_content_id()
        # A conflict repeats the transaction, not the object.
        writers: list[ObjectWriter] = []

        def note(unit: UnitOfWork) -> None:
            now = datetime.now(UTC)
            check_job_takes_bytes(unit, order.job_id)
            keep_upload_job(unit, order.job_id, now + _WRITING_LIFE)
            if not writers:
                writers.append(self._store.create())
            new = NewBlob(content_id=content_id, object_key=writers[0].key)
            unit.blobs.begin([new], now=now, writing_until=now + _WRITING_LIFE)

        try:
            ticket = self._uploads.begin_upload(
                caller,
                order.path,
                declared_length=order.declared_length,
                conditions=order.conditions,
                also=note,
            )
        except BaseException:
            for writer in writers:
                writer.abort()
            raise
        return Upload(
            service=self, order=order, ticket=ticket, content_id=content_id, writer=writers[0]
        )

    def store_whole(
        self, caller: Caller, order: UploadOrder, body: bytes | bytearray
    ) -> Stored:
        """Store a small file that has come already: durable and visible on return.

        What `begin`, `write` and `commit` do of a longer one, in one transaction. Raises what
        they raise.
        """
        ticket = self._uploads.admit_upload(
            caller, order.path, length=len(body), conditions=order.conditions
        )
        blob = self._reserved.take()
        upload = Upload(
            service=self,
            order=order,
            ticket=ticket,
            content_id=blob.content_id,
            writer=self._store.create(ObjectKey(blob.object_key)),
        )
        try:
            upload.write(body)
            return upload.commit()
        except BaseException:
            upload.abandon()
            raise

    def close(self) -> None:
        """End the threads and give back what is in reserve; no upload may be running."""
        self._reserved.close()
        self._hashing.shutdown()

    def check(self, caller: Caller, path: NodePath, *, length: int | None) -> NodePath:
        """Where an upload to a path would go, links resolved, if it could begin now.

        Raises what `begin` does, QuotaExceeded for a length that does not fit, and NodeBusy
        for a node that is being written (VOSpace 2.1, 6.4.1).
        """
        caller = self._tree.informed(caller, path)
        if is_null(path):
            self._check_sink(caller, path, None)
            return path
        with self._tree.database.read() as unit:
            place = self._tree.walker(unit).find(
                caller, path, follow_leaf=True, missing_parent=ContainerNotFound
            )
            at = place.parent if isinstance(place, Absent) else place
            if isinstance(place, Found) and place.node.is_container:
                raise InvalidArgument(f"{place.path} is a container; it can't hold bytes")
            require(caller, at, Action.WRITE)
            if isinstance(place, Found) and place.node.is_busy(self._tree.clock()):
                raise NodeBusy(f"{place.path} is being written")
            present = place.node.length if isinstance(place, Found) else 0
            _check_room(unit, at, (length or 0) - present)
        return place.path

    def present(self, caller: Caller, path: NodePath) -> ReadTicket:
        """What is stored at a path now. Raises NodeNotFound when nothing is."""
        ticket = self._reading.describe(caller, path)
        if ticket.content is None:
            raise NodeNotFound(f"nothing has been written to {path}")
        return ticket

    def _check_sink(self, caller: Caller, path: NodePath, job_id: str | None) -> NodeView:
        """The container that a sink is in, which the caller must be allowed to write."""
        with self._tree.database.read() as unit:
            if job_id is not None:
                check_job_takes_bytes(unit, job_id)
            found = self._tree.walker(unit).get_container(caller, path.parent)
            require(caller, found, Action.WRITE)
            return self._tree.view(unit, caller, found)

    # ------------------------------------------------------------------ for Upload

    def hash_beside(self, md5: "hashlib._Hash", chunk: bytes | bytearray) -> "Future[None]":
        """Feed a chunk to a hash while the caller does something else with it."""
        return self._hashing.submit(md5.update, chunk)

    def grow(self, ticket: UploadTicket, needed_bytes: int) -> UploadTicket:
        """Room for so many bytes in all. Raises QuotaExceeded."""
        return self._uploads.grow(ticket, needed_bytes)

    def renew(self, ticket: UploadTicket, order: UploadOrder, content_id: str) -> None:
        """Say that an upload is alive."""
        self._uploads.renew(ticket)
        with self._tree.database.write() as unit:
            now = datetime.now(UTC)
            unit.blobs.keep_writing(content_id, writing_until=now + _WRITING_LIFE)
            keep_upload_job(unit, order.job_id, now + _WRITING_LIFE)

    def commit(self, ticket: UploadTicket, order: UploadOrder, content: Content) -> Stored:
        """Make a durable object the content of the node, in one transaction."""

        def also(unit: UnitOfWork) -> None:
            check_job_takes_bytes(unit, order.job_id)
            now = datetime.now(UTC)
            kept = unit.blobs.store(
                content.content_id,
                length=content.length,
                md5=content.md5,
                sha256=content.sha256,
                now=now,
            )
            if not kept:
                raise TransferFailed("the upload was given up because it took too long")
            if order.job_id is not None:
                complete_job(unit, order.job_id, now=now, results=order.results)

        uploaded = UploadedContent(
            content=content,
            media_type=order.media_type,
            encoding=order.encoding,
            mtime_ns=order.mtime_ns,
        )
        done = self._uploads.commit_upload(ticket, uploaded, also=also)
        return Stored(view=done.view, content=content, created=done.created)

    def abandon(self, ticket: UploadTicket, content_id: str, writer: ObjectWriter) -> None:
        """Leave nothing behind. Never raises: what remains is swept when its time is over."""
        writer.abort()
        try:
            self._uploads.abandon_upload(ticket)
            with self._tree.database.write() as unit:
                given_up = unit.blobs.doom_writing(content_id)
            if given_up:
                self._store.delete(writer.key)
                with self._tree.database.write() as unit:
                    unit.blobs.forget([content_id])
        except (Fault, StoreError) as error:
            _LOG.info("an upload is left to the collector: %s", error)


class Upload:
    """One upload that has begun. Used by one thread at a time."""

    def __init__(
        self,
        *,
        service: DataService,
        order: UploadOrder,
        ticket: UploadTicket,
        content_id: str,
        writer: ObjectWriter,
    ) -> None:
        self._service = service
        self._order = order
        self._ticket = ticket
        self._content_id = content_id
        self._writer = writer
        self._received = 0
        self._md5 = hashlib.md5(usedforsecurity=False)
        # The last chunk in it, as long as that may be under way.
        self._hashed: Future[None] | None = None
        self._sha256 = hashlib.sha256()
        self._renewed = time.monotonic()
        self._committed = False

    @property
    def content_id(self) -> str:
        """The content that this will be, when it is committed."""
        return self._content_id

    @property
    def path(self) -> NodePath:
        """Where it goes, links resolved."""
        return self._ticket.path

    def write(self, chunk: bytes | bytearray) -> None:
        """Take the next bytes, which nobody may change afterwards.

        Raises QuotaExceeded, StoreFullError or StoreError.
        """
        self._received += len(chunk)
        self._ticket = self._service.grow(self._ticket, self._received)
        self._hash_and_write(chunk)
        if time.monotonic() - self._renewed > _RENEW_SECONDS:
            self._service.renew(self._ticket, self._order, self._content_id)
            self._renewed = time.monotonic()

    def _hash_and_write(self, chunk: bytes | bytearray) -> None:
        self._await_md5()
        if len(chunk) < _WORTH_A_THREAD_BYTES:
            self._md5.update(chunk)
        else:
            # Goes on while the next chunk is waited for.
            self._hashed = self._service.hash_beside(self._md5, chunk)
        self._sha256.update(chunk)
        self._writer.write(memoryview(chunk))

    def _await_md5(self) -> None:
        if self._hashed is not None:
            self._hashed.result()
            self._hashed = None

    def commit(self) -> Stored:
        """Make it count: durable and visible on return.

        Raises PreconditionFailed when a digest is not the announced one, InvalidArgument when
        the length is not, and the faults of UploadService.commit_upload.
        """
        return self.end(
            lambda ticket, content: self._service.commit(ticket, self._order, content)
        )

    def end(self, keep: Callable[[UploadTicket, Content], T]) -> T:
        """Make the bytes durable, and let somebody else answer for them: what `keep` returns.

        Raises what commit raises of digests and lengths, and what `keep` raises; then nobody
        answers for them yet, and abandon is due.
        """
        declared = self._order.declared_length
        if declared is not None and declared != self._received:
            raise InvalidArgument(f"{declared} bytes were announced, {self._received} came")
        self._await_md5()
        content = Content(
            content_id=self._content_id,
            object_key=self._writer.key,
            length=self._received,
            md5=self._md5.hexdigest(),
            sha256=self._sha256.hexdigest(),
        )
        self._order.announced.check(Digests(md5=content.md5, sha256=content.sha256))
        self._writer.commit()
        kept = keep(self._ticket, content)
        self._committed = True
        return kept

    def abandon(self) -> None:
        """Give up; the node is as it was. Harmless after commit."""
        if not self._committed:
            self._service.abandon(self._ticket, self._content_id, self._writer)


def keep_upload_job(unit: UnitOfWork, job_id: str | None, until: datetime) -> None:
    """The job of an upload goes on while the upload does, however long that takes."""
    if job_id is not None:
        keep_job_alive(unit, job_id, until=until)


def _check_room(unit: UnitOfWork, at: Found, more_bytes: int) -> None:
    if at.allocation_id is None or more_bytes <= 0:
        return
    usage = usage_of(unit, at.allocation_id)
    available = None if usage is None else usage.available_bytes
    if usage is not None and available is not None and more_bytes > available:
        raise QuotaExceeded(usage.refusal(more_bytes))
