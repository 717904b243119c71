"""The store of bytes as the rest of the server sees it, and what may go wrong with it.

An object is written once, under a key that the store invents, and never changes afterwards.
Names given by users never reach a store.
"""

import re
import secrets
import typing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

ObjectKey = typing.NewType("ObjectKey", str)

_KEY = re.compile(r"[0-9a-f]{32}", re.ASCII)


class StoreError(Exception):
    """The store failed in a way that the request did not cause; the message is for people."""


class ObjectNotFoundError(StoreError):
    """There is no object under this key (any more)."""

    def __init__(self, key: ObjectKey) -> None:
        super().__init__(f"the store has no object {key}")
        self.key = key


class StoreFullError(StoreError):
    """No room is left; nothing that was committed before is affected."""


class SegmentBusyError(StoreError):
    """Somebody else is adding to this object just now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreProperties:
    """What a store can do, declared so that nobody guesses it from a name."""

    shared: bool
    """Several processes see the same objects, so more than one may serve them."""
    durable: bool
    """A committed object survives a loss of power."""
    keeps_open_objects: bool
    """A reader that is open goes on when its object is deleted; elsewhere what protects it is
    that the collector leaves an object alone for a while after the last use of its node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """One line of a listing."""

    key: ObjectKey
    length: int
    modified: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Bytes that are kept for an object to be, and what the store calls them."""

    name: str
    length: int


class SegmentWriter(typing.Protocol):
    """The next segment of an object to be. Used by one thread at a time; close ends it.

    Where the store can tell, nobody else can add to the object until then.
    """

    @property
    def name(self) -> str:
        """What the store calls the segment; known after begin."""

    def begin(self, start: int) -> None:
        """Write behind the first start bytes; what was kept beyond them is dropped."""

    def write(self, chunk: bytes | memoryview) -> None:
        """Append all of chunk. Raises StoreFullError or StoreError; abort is still due then."""

    def commit(self) -> None:
        """Put the segment on stable storage. Raises StoreFullError or StoreError."""

    def abort(self) -> None:
        """Drop the segment. Never raises; harmless before begin and when repeated."""

    def close(self) -> None:
        """Let others add to the object. Harmless when repeated."""


class ObjectWriter(typing.Protocol):
    """One object being written. Used by one thread at a time; commit or abort ends it."""

    @property
    def key(self) -> ObjectKey:
        """The key under which the object will be found after commit."""

    def write(self, chunk: bytes | memoryview) -> None:
        """Append all of chunk. Raises StoreFullError or StoreError; abort is still due then."""

    def commit(self) -> None:
        """Make the object readable and durable: on return it is on stable storage.

        Raises StoreFullError or StoreError; then the object may or may not exist, nothing
        refers to it, and abort is still due.
        """

    def abort(self) -> None:
        """Drop what was written. Never raises; harmless after commit and when repeated."""


class ObjectReader(typing.Protocol):
    """One open object; see StoreProperties.keeps_open_objects for its deletion meanwhile."""

    @property
    def length(self) -> int:
        """The object's length in bytes."""

    def read_at(self, offset: int, size: int) -> bytes:
        """Exactly size bytes from offset, fewer only at the end of the object.

        Safe to call from several threads at once. Raises StoreError when reading fails, which
        is ObjectNotFoundError when the object was deleted in a store that does not keep it.
        """

    def close(self) -> None:
        """Give the descriptor back; harmless when repeated."""


class ObjectStore(typing.Protocol):
    """Immutable objects under random keys. Safe to use from any number of threads."""

    @property
    def properties(self) -> StoreProperties:
        """What this store can do."""

    def new_key(self) -> ObjectKey:
        """A key that no object has or will have but the one that is created with it."""

    def create(self, key: ObjectKey | None = None) -> ObjectWriter:
        """Begin a new object, under a key of `new_key` where one is given.

        Raises StoreFullError or StoreError.
        """

    def open(self, key: ObjectKey) -> ObjectReader:
        """Open an object for reading. Raises ObjectNotFoundError."""

    def length(self, key: ObjectKey) -> int:
        """The length of an object in bytes. Raises ObjectNotFoundError."""

    def delete(self, key: ObjectKey) -> None:
        """Remove an object. Harmless when it is gone."""

    def add_segment(self, key: ObjectKey) -> SegmentWriter:
        """Begin the next segment of an object that is made in several requests.

        The caller chooses the key (new_key), and keeps the list of the segments. Segments
        outlive the process; nothing but join and drop_segments removes them within days.
        Raises SegmentBusyError, StoreFullError or StoreError.
        """

    def read_segments(self, key: ObjectKey, segments: Sequence[Segment]) -> Iterator[bytes]:
        """The bytes of segments in chunks. Raises StoreError when they are not whole."""

    def join(self, key: ObjectKey, segments: Sequence[Segment]) -> None:
        """Make the object of its segments, durably; they are gone afterwards.

        Harmless when repeated. No byte goes through this process, and none is copied where the
        store can do without. Raises SegmentBusyError, StoreFullError or StoreError.
        """

    def drop_segments(self, key: ObjectKey) -> None:
        """Remove all that was kept for an object to be; harmless when there is nothing."""

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        """Every committed object whose key begins with prefix, in the order of the keys."""

    def sweep_incomplete(self, older_than: datetime) -> int:
        """Remove the traces of uploads that nothing has been written to since a moment.

        Says how many there were. An upload that is not at an end writes more often than that.
        """

    def check(self) -> None:
        """Return if the store answers; raises StoreError or ObjectNotFoundError if it can't."""

    def close(self) -> None:
        """End the use of the store."""


def new_key() -> ObjectKey:
    """A fresh random key: 128 bits, so keys never meet and can't be guessed."""
    return ObjectKey(secrets.token_hex(16))


def is_key(text: str) -> bool:
    """Whether a text is a key that a store may have handed out."""
    return _KEY.fullmatch(text) is not None


def check_key(key: ObjectKey) -> ObjectKey:
    """The same key. Raises ObjectNotFoundError for what no store can have handed out."""
    if not is_key(key):
        raise ObjectNotFoundError(key)
    return key


def read_range(
    reader: ObjectReader, start: int, stop: int, *, chunk_bytes: int = 1 << 20
) -> Iterator[bytes]:
    """The bytes [start, stop) in chunks. Raises StoreError when the object ends too early."""
    offset = start
    while offset < stop:
        chunk = reader.read_at(offset, min(chunk_bytes, stop - offset))
        if not chunk:
            raise StoreError(f"an object of {reader.length} bytes ended before byte {stop}")
        yield chunk
        offset += len(chunk)
