"""A store in a bucket of an S3 service: Ceph's gateway, AWS and their relatives.

    BUCKET/PREFIX/KEY          one object per key; everything else in the bucket is ignored
    BUCKET/PREFIX/KEY.TOKEN    a segment of an object to be (s3_segments)

Only what every S3 does alike is relied on: unconditional put to a fresh key, multipart upload,
ranged get, list, delete. Small objects are one request, larger ones go in parts while they
arrive, so an upload needs a few parts of memory however long it is.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store as Bucket

from vospace_server.storage.object_store import (
    ObjectKey,
    ObjectNotFoundError,
    Segment,
    StoredObject,
    StoreError,
    StoreProperties,
    check_key,
    is_key,
    new_key,
    read_range,
)
from vospace_server.storage.s3_errors import store_error
from vospace_server.storage.s3_requests import S3Requests
from vospace_server.storage.s3_segments import (
    S3SegmentWriter,
    copied_ranges,
    join_segments,
)
from vospace_server.storage.s3_settings import S3Settings

# Two parts on the way while the next is filled: three parts of memory for each upload.
CONCURRENT_PARTS = 2
# How far a reader fetches ahead once it is read in order; memory for each such reader.
MAX_AHEAD_BYTES = 8 << 20
LIST_PAGE = 1000

# Every wait ends: an answer in a minute, a few more tries, then an error.
CONNECT_SECONDS = 5
ANSWER_SECONDS = 60
RETRIES = 4


class S3Store:
    """Objects in a bucket, which several processes and hosts may share."""

    def __init__(self, settings: S3Settings) -> None:
        self._settings = settings
        self._requests = S3Requests(settings)
        self._bucket = Bucket(
            settings.bucket,
            prefix=settings.prefix or None,
            client_options={
                "allow_http": settings.endpoint.startswith("http:"),
                "connect_timeout": timedelta(seconds=CONNECT_SECONDS),
                "timeout": timedelta(seconds=ANSWER_SECONDS),
            },
            retry_config={
                "max_retries": RETRIES,
                "retry_timeout": timedelta(seconds=ANSWER_SECONDS),
            },
            config={
                "endpoint": settings.endpoint,
                "aws_endpoint_url_s3": settings.endpoint,
                "region": settings.region,
                "access_key_id": settings.access_key_id,
                "secret_access_key": settings.secret_access_key,
                **({"session_token": settings.session_token} if settings.session_token else {}),
                "virtual_hosted_style_request": False,
                # Not every S3 has the request that deletes many objects at once.
                "disable_bulk_delete": True,
            },
        )

    @property
    def properties(self) -> StoreProperties:
        """Shared and durable; a reader loses an object that is deleted under it."""
        return StoreProperties(shared=True, durable=True, keeps_open_objects=False)

    def check(self) -> None:
        """Raises StoreError when there is no answer, or none for this bucket and these keys."""
        self._requests.send("GET", "", {"list-type": "2", "max-keys": "1"})

    def new_key(self) -> ObjectKey:
        """A key for an object to be created."""
        return new_key()

    def create(self, key: ObjectKey | None = None) -> "S3Writer":
        """Begin a new object. Nothing is sent before the first part is full."""
        return self._writer(key or new_key())

    def open(self, key: ObjectKey) -> "S3Reader":
        """Open an object for reading. Raises ObjectNotFoundError."""
        return S3Reader(store=self, key=key, length=self.length(key))

    def length(self, key: ObjectKey) -> int:
        """The length of an object in bytes. Raises ObjectNotFoundError."""
        check_key(key)
        with self.translated(f"looking at object {key}", key):
            return int(obstore.head(self._bucket, key)["size"])

    def delete(self, key: ObjectKey) -> None:
        """Remove an object; harmless when it is gone."""
        self._remove(check_key(key))

    def add_segment(self, key: ObjectKey) -> S3SegmentWriter:
        """Begin the next segment; nothing is sent before its first part is full."""
        return S3SegmentWriter(
            check_key(key), create=self._writer, remove=self._remove_in_silence
        )

    def read_segments(self, key: ObjectKey, segments: Sequence[Segment]) -> Iterator[bytes]:
        """The bytes of segments in chunks. Raises StoreError when they are not whole."""
        del key
        for segment in segments:
            name = ObjectKey(segment.name)
            reader = S3Reader(store=self, key=name, length=segment.length)
            yield from read_range(reader, 0, segment.length)

    def join(self, key: ObjectKey, segments: Sequence[Segment]) -> None:
        """Let the service copy the segments into one object; then they are removed."""
        length = sum(segment.length for segment in segments)
        if not self._has(key, length):
            ranges = list(copied_ranges(segments, self._settings.name_of))
            join_segments(self._requests, self._settings.name_of(key), ranges)
            if not self._has(key, length):
                raise StoreError(f"object {key} was joined and has not all bytes")
        self.drop_segments(key)

    def drop_segments(self, key: ObjectKey) -> None:
        """Remove every segment of an object to be, those that nobody knows of as well."""
        start = f"{check_key(key)}."
        with self.translated(f"dropping the segments of object {key}"):
            for page in obstore.list(self._bucket, chunk_size=LIST_PAGE, offset=start):
                for entry in page:
                    if not entry["path"].startswith(start):
                        return
                    self._remove(entry["path"])

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        """The objects whose key begins with prefix, in the order of the keys."""
        # S3 lists in the order of names and begins after `offset`. The last letter is left
        # out, so that a whole key is not skipped as the one to begin after.
        after = {"offset": prefix[:-1]} if len(prefix) > 1 else {}
        with self.translated("listing objects"):
            for page in obstore.list(self._bucket, chunk_size=LIST_PAGE, **after):
                for entry in page:
                    key = entry["path"]
                    if is_key(key) and key.startswith(prefix):
                        yield StoredObject(
                            key=ObjectKey(key),
                            length=entry["size"],
                            modified=entry["last_modified"],
                        )
                    elif is_key(key) and key > prefix:
                        return

    def sweep_incomplete(self, older_than: datetime) -> int:
        """Abort multipart uploads last written before a moment; says how many there were."""
        swept = 0
        for upload in self._requests.incomplete_uploads(self._settings.name_of("")):
            name = upload.name.removeprefix(self._settings.name_of(""))
            ours = is_key(name.partition(".")[0])
            # Most uploads are young: only for the others is it worth a question.
            stale = ours and upload.initiated < older_than
            if stale and self._requests.last_written(upload) < older_than:
                self._requests.abort_upload(upload)
                swept += 1
        return swept

    def close(self) -> None:
        """Connections close by themselves when they are idle."""

    def begin(self, key: ObjectKey) -> "obstore.WritableFile":
        """A file of obstore that becomes the object when it is closed."""
        return obstore.open_writer(
            self._bucket,
            key,
            buffer_size=self._settings.part_bytes,
            max_concurrency=CONCURRENT_PARTS,
        )

    def fetch(self, key: ObjectKey, start: int, stop: int) -> memoryview:
        """Exactly the bytes [start, stop) of an object. Raises ObjectNotFoundError."""
        with self.translated(f"reading object {key}", key):
            return memoryview(obstore.get_range(self._bucket, key, start=start, end=stop))

    def forget(self, key: ObjectKey) -> None:
        """Remove whatever a failed upload may have left under its key. Raises StoreError."""
        for upload in self._requests.incomplete_uploads(self._settings.name_of(key)):
            self._requests.abort_upload(upload)
        self._remove(key)

    def _writer(self, key: ObjectKey) -> "S3Writer":
        return S3Writer(store=self, key=key, settings=self._settings)

    def _has(self, key: ObjectKey, length: int) -> bool:
        try:
            return self.length(key) == length
        except ObjectNotFoundError:
            return False

    def _remove(self, name: str) -> None:
        key = ObjectKey(name)
        with suppress(ObjectNotFoundError), self.translated(f"deleting object {name}", key):
            obstore.delete(self._bucket, name)

    def _remove_in_silence(self, name: str) -> None:
        with suppress(StoreError):
            self._remove(name)

    @contextmanager
    def translated(self, doing: str, key: ObjectKey | None = None) -> Iterator[None]:
        """Turns obstore's errors into the store's, once, here.

        With a key, "not found" means that object; the service says so when it means the bucket.
        """
        try:
            yield
        except (BaseError, OSError) as error:
            missing = isinstance(error, FileNotFoundError)
            if key is not None and missing and "NoSuchBucket" not in str(error):
                raise ObjectNotFoundError(key) from None
            raise store_error(doing, str(error), self._settings) from error


class S3Writer:
    """An object being written: the part that is filling, and the parts on their way."""

    def __init__(self, *, store: S3Store, key: ObjectKey, settings: S3Settings) -> None:
        self._store = store
        self._key = key
        self._max_bytes = settings.max_object_bytes
        self._file = store.begin(key)
        self._written = 0
        self._ended = False

    @property
    def key(self) -> ObjectKey:
        """The key under which the object will be found after commit."""
        return self._key

    def write(self, chunk: bytes | memoryview) -> None:
        """Append all of chunk. Raises StoreFullError or StoreError."""
        self._written += len(chunk)
        if self._written > self._max_bytes:
            raise StoreError(
                f"an object of more than {self._max_bytes} bytes needs larger parts: "
                "give the storage URL a larger part=SIZE"
            )
        with self._store.translated(f"writing object {self._key}"):
            rest = memoryview(chunk)
            while rest:
                rest = rest[self._file.write(rest) :]

    def commit(self) -> None:
        """Send the last part and complete the upload; the service then has the object."""
        with self._store.translated(f"committing object {self._key}"):
            self._file.close()
        self._ended = True

    def abort(self) -> None:
        """Drop the parts; harmless after commit. A failure is the sweeper's."""
        if self._ended:
            return
        self._ended = True
        try:
            # This is how obstore is told to abort.
            self._file.__exit__(StoreError, None, None)
        except (BaseError, OSError):
            # A commit that failed may have left parts, or the object whose answer was lost.
            with suppress(StoreError):
                self._store.forget(self._key)


class S3Reader:
    """An object being read: ranges as asked for, fetched ahead once they come in order."""

    def __init__(self, *, store: S3Store, key: ObjectKey, length: int) -> None:
        self._store = store
        self._key = key
        self._length = length
        # Guards the four below. It is not held while bytes are fetched.
        self._lock = threading.Lock()
        self._held = memoryview(b"")
        self._held_from = 0
        self._next_offset = -1
        self._ahead_bytes = 0

    @property
    def length(self) -> int:
        """The object's length in bytes."""
        return self._length

    def read_at(self, offset: int, size: int) -> bytes:
        """Up to size bytes from offset. Raises ObjectNotFoundError or StoreError."""
        stop = min(offset + size, self._length)
        pieces: list[memoryview] = []
        while offset < stop:
            piece = self._piece(offset, stop)
            pieces.append(piece)
            offset += len(piece)
        return b"".join(pieces)

    def close(self) -> None:
        """Drop what was fetched ahead."""
        with self._lock:
            self._held = memoryview(b"")

    def _piece(self, offset: int, stop: int) -> memoryview:
        """One or more of the bytes [offset, stop), beginning at offset."""
        with self._lock:
            in_order = offset == self._next_offset
            self._next_offset = stop
            start = offset - self._held_from
            if 0 <= start < len(self._held):
                return self._held[start : stop - self._held_from]
            # As far ahead as was read in order so far, so that at most half is in vain.
            grown = min(2 * max(self._ahead_bytes, stop - offset), MAX_AHEAD_BYTES)
            self._ahead_bytes = grown if in_order else 0
        fetched_to = min(max(stop, offset + self._ahead_bytes), self._length)
        fetched = self._store.fetch(self._key, offset, fetched_to)
        if len(fetched) != fetched_to - offset:
            raise StoreError(f"object {self._key} ended before its length of {self._length}")
        if in_order:
            with self._lock:
                self._held, self._held_from = fetched, offset
        return fetched[: stop - offset]
