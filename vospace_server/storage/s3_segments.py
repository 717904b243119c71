"""Objects in a bucket that are made in several requests.

    BUCKET/PREFIX/KEY.TOKEN    one segment; the caller knows their order

Every segment is an object of its own. They are joined by the service itself (UploadPartCopy):
no byte comes back to us. A multipart upload that grows from request to request would save the
copy, but Ceph can't complete one from which a part was taken back (decision 0008).
"""

import secrets
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from vospace_server.storage.object_store import ObjectKey, ObjectWriter, Segment, StoreError
from vospace_server.storage.s3_requests import CopiedRange, IncompleteUpload, S3Requests

# Parts that are copied at the same time, and how long they are: a copy takes seconds.
CONCURRENT_COPIES = 4
COPIED_BYTES = 512 << 20


class S3SegmentWriter:
    """One segment being written as an object of its own."""

    def __init__(
        self,
        key: ObjectKey,
        *,
        create: Callable[[ObjectKey], ObjectWriter],
        remove: Callable[[str], None],
    ) -> None:
        self._name = ObjectKey(f"{key}.{secrets.token_hex(8)}")
        self._create = create
        self._remove = remove
        self._writer: ObjectWriter | None = None
        self._committed = False

    @property
    def name(self) -> str:
        """The name of the segment below the prefix."""
        return self._name

    def begin(self, start: int) -> None:
        """Begin the object; where it belongs is said by the list of segments alone."""
        del start
        self._writer = self._create(self._name)

    def write(self, chunk: bytes | memoryview) -> None:
        """Append all of chunk. Raises StoreFullError or StoreError."""
        if self._writer is None:
            raise StoreError(f"segment {self._name} was not begun")
        self._writer.write(chunk)

    def commit(self) -> None:
        """The service has the segment on return."""
        if self._writer is not None:
            self._writer.commit()
            self._committed = True

    def abort(self) -> None:
        """Drop the segment, also one that was committed. A failure is left to drop_segments."""
        if self._writer is None:
            return
        self._writer.abort()
        if self._committed:
            self._committed = False
            self._remove(self._name)

    def close(self) -> None:
        """Nothing is held: segments of several writers have different names."""


def copied_ranges(
    segments: Sequence[Segment], name_of: Callable[[str], str]
) -> Iterator[CopiedRange]:
    """The parts that make the whole, none of them much longer than COPIED_BYTES.

    All parts of a segment are of about the same length, so that none is below the least that
    S3 takes, if the segment is not.
    """
    for segment in segments:
        parts = max(1, -(-segment.length // COPIED_BYTES))
        for number in range(parts):
            yield CopiedRange(
                name=name_of(segment.name),
                start=segment.length * number // parts,
                stop=segment.length * (number + 1) // parts,
            )


def join_segments(requests: S3Requests, name: str, ranges: Sequence[CopiedRange]) -> None:
    """Make an object of ranges of others. Raises StoreError, and then leaves nothing."""
    upload = IncompleteUpload(
        name=name, upload_id=requests.begin_upload(name), initiated=datetime.now(UTC)
    )
    try:
        with ThreadPoolExecutor(CONCURRENT_COPIES, thread_name_prefix="s3-copy") as threads:
            numbers = range(1, len(ranges) + 1)
            tags = list(
                threads.map(lambda n: requests.copy_part(upload, n, ranges[n - 1]), numbers)
            )
        requests.complete_upload(upload, tags)
    except BaseException:
        requests.abort_upload(upload)
        raise
