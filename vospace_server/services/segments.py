"""SegmentUpload: one segment of an upload in several requests, while it is coming."""

import time
import typing
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from vospace_model.faults import InvalidArgument, NodeBusy, RangeNotSatisfiable
from vospace_server.database.uploads import PartRecord, UploadRecord, UploadState
from vospace_server.domain.digests import Digests
from vospace_server.services.data import DataService
from vospace_server.services.running_digests import RunningDigests
from vospace_server.services.uploads import UploadTicket
from vospace_server.storage.object_store import SegmentWriter

_RENEW_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentLimits:
    """How long a segment may be. The last one may be shorter: S3 wants it so of its parts."""

    min_bytes: int = 5 << 20
    max_bytes: int = 5 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a transaction is. `md5` is that of all bytes so far; None when there are none."""

    transaction_id: str
    received_bytes: int
    total_bytes: int | None
    md5: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentOrder:
    """What is said of a segment before its first byte.

    `start` is where it belongs, None: behind the others. `announced` are the digests of the
    segment, or of everything up to its end.
    """

    declared_length: int | None
    announced: Digests
    start: int | None = None
    job_id: str | None = None


class SegmentKeeper(typing.Protocol):
    """Where a segment goes: PutTransactionService."""

    def keep_part(
        self,
        ticket: UploadTicket,
        record: UploadRecord,
        part: PartRecord,
        digests: RunningDigests,
        job_id: str | None,
    ) -> Progress:
        """Let a segment count that is on stable storage."""

    def renew(self, ticket: UploadTicket, record: UploadRecord, job_id: str | None) -> None:
        """Say that a segment is still coming."""

    def grow(self, ticket: UploadTicket, needed_bytes: int) -> UploadTicket:
        """Room for so many bytes in all. Raises QuotaExceeded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """A segment that may come: to which upload, as which part, behind which bytes."""

    record: UploadRecord
    number: int
    ticket: UploadTicket
    order: SegmentOrder
    limits: SegmentLimits


def require_open(record: UploadRecord) -> None:
    """Raises NodeBusy or InvalidArgument for a transaction that takes no more segments."""
    if record.state is UploadState.COMMITTING:
        raise NodeBusy("this upload is being committed")
    if record.state is not UploadState.OPEN:
        raise InvalidArgument("this upload has been committed")


def check_segment(
    record: UploadRecord,
    parts: Sequence[PartRecord],
    order: SegmentOrder,
    limits: SegmentLimits,
) -> None:
    """Raise what is wrong with a segment before its first byte."""
    require_open(record)
    received = record.received_bytes
    if order.start is not None and order.start != received:
        raise RangeNotSatisfiable(
            f"the next segment begins at byte {received}, not at {order.start}"
        )
    if parts and parts[-1].length < limits.min_bytes:
        raise InvalidArgument(
            f"the last segment had fewer than {limits.min_bytes} bytes, so it was the last; "
            "commit, or take it back"
        )
    if order.declared_length is not None:
        check_length(record, order.declared_length, limits)


def check_length(record: UploadRecord, length: int, limits: SegmentLimits) -> None:
    """Raise InvalidArgument if a segment of this length can't come next."""
    _check_most(record, length, limits)
    if length == 0:
        raise InvalidArgument("a segment has bytes")
    total = record.declared_length
    if total is None or record.received_bytes + length == total:
        return
    if length < limits.min_bytes:
        raise InvalidArgument(
            f"a segment that is not the last has at least {limits.min_bytes} bytes, "
            f"not {length}"
        )


def _check_most(record: UploadRecord, length: int, limits: SegmentLimits) -> None:
    if length > limits.max_bytes:
        raise InvalidArgument(f"a segment has at most {limits.max_bytes} bytes")
    total = record.declared_length
    if total is not None and record.received_bytes + length > total:
        raise InvalidArgument(
            f"{total} bytes were announced for the whole, {record.received_bytes} are here; "
            "the segment is too long"
        )


class SegmentUpload:
    """One segment. Used by one thread at a time; commit or abandon ends it."""

    def __init__(
        self,
        coming: Coming,
        *,
        keeper: SegmentKeeper,
        data: DataService,
        writer: SegmentWriter,
        digests: RunningDigests,
    ) -> None:
        self._coming = coming
        self._keeper = keeper
        self._data = data
        self._writer = writer
        self._digests = digests
        self._ticket = coming.ticket
        self._own = RunningDigests()
        self._renewed = time.monotonic()
        self._committed = False

    def write(self, chunk: bytes | bytearray) -> None:
        """Take the next bytes. Raises InvalidArgument, QuotaExceeded or StoreError."""
        coming = self._coming
        length = self._own.length + len(chunk)
        _check_most(coming.record, length, coming.limits)
        self._ticket = self._keeper.grow(self._ticket, coming.record.received_bytes + length)
        hashed = self._data.hash_beside(self._digests.md5, chunk)
        try:
            self._digests.sha256.update(chunk)
            self._digests.length += len(chunk)
            self._count(chunk)
            self._writer.write(memoryview(chunk))
        finally:
            hashed.result()
        if time.monotonic() - self._renewed > _RENEW_SECONDS:
            self._keeper.renew(self._ticket, coming.record, coming.order.job_id)
            self._renewed = time.monotonic()

    def commit(self) -> Progress:
        """Let it count: on stable storage on return.

        Raises InvalidArgument for a length that can't be, PreconditionFailed when the digest
        is neither that of the segment nor of all bytes so far, NodeBusy and TransferFailed
        when the transaction has gone on or ended meanwhile.
        """
        coming, order = self._coming, self._coming.order
        length = self._own.length
        if order.declared_length is not None and order.declared_length != length:
            raise InvalidArgument(
                f"{order.declared_length} bytes were announced, {length} came"
            )
        check_length(coming.record, length, coming.limits)
        self._check_digests()
        self._writer.commit()
        part = PartRecord(
            number=coming.number,
            object_key=self._writer.name,
            length=length,
            md5=self._digests.md5.hexdigest(),
        )
        progress = self._keeper.keep_part(
            self._ticket, coming.record, part, self._digests, order.job_id
        )
        self._committed = True
        self._writer.close()
        return progress

    def abandon(self) -> None:
        """Give the segment up, not the transaction. Harmless after commit."""
        if not self._committed:
            self._writer.abort()
        self._writer.close()

    def _count(self, chunk: bytes | bytearray) -> None:
        """The digests of the segment alone cost a second hash; only if they were announced."""
        announced = self._coming.order.announced
        if announced.md5 is not None:
            self._own.md5.update(chunk)
        if announced.sha256 is not None:
            self._own.sha256.update(chunk)
        self._own.length += len(chunk)

    def _check_digests(self) -> None:
        announced = self._coming.order.announced
        so_far = _computed(self._digests)
        if announced.md5 in {None, so_far.md5} and announced.sha256 in {None, so_far.sha256}:
            return
        announced.check(_computed(self._own))


def _computed(digests: RunningDigests) -> Digests:
    return Digests(md5=digests.md5.hexdigest(), sha256=digests.sha256.hexdigest())
