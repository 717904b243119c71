"""A store in memory, for tests and for looking around; everything is gone when it closes."""

import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from vospace_server.storage.object_store import (
    ObjectKey,
    ObjectNotFoundError,
    Segment,
    SegmentBusyError,
    StoredObject,
    StoreError,
    StoreFullError,
    StoreProperties,
    new_key,
)


class MemoryStore:
    """Objects as bytes in a dictionary; capacity_bytes makes it run full on purpose."""

    def __init__(self, *, capacity_bytes: int | None = None) -> None:
        self._capacity_bytes = capacity_bytes
        self._objects: dict[ObjectKey, tuple[bytes, datetime]] = {}
        self._incomplete: dict[ObjectKey, MemoryWriter] = {}
        self._growing: dict[ObjectKey, bytearray] = {}
        self._growing_now: set[ObjectKey] = set()
        # Guards all of these: a listing must not see one change while it is sorted.
        self._lock = threading.Lock()

    @property
    def properties(self) -> StoreProperties:
        """Neither shared nor durable."""
        return StoreProperties(shared=False, durable=False, keeps_open_objects=True)

    def new_key(self) -> ObjectKey:
        """A key for an object to be created."""
        return new_key()

    def create(self, key: ObjectKey | None = None) -> "MemoryWriter":
        """Begin a new object."""
        writer = MemoryWriter(store=self, key=key or new_key())
        with self._lock:
            self._incomplete[writer.key] = writer
        return writer

    def open(self, key: ObjectKey) -> "MemoryReader":
        """Open an object for reading. Raises ObjectNotFoundError."""
        return MemoryReader(self._content(key))

    def length(self, key: ObjectKey) -> int:
        """The length of an object in bytes. Raises ObjectNotFoundError."""
        return len(self._content(key))

    def delete(self, key: ObjectKey) -> None:
        """Remove an object; harmless when it is gone."""
        with self._lock:
            self._objects.pop(key, None)

    def add_segment(self, key: ObjectKey) -> "MemorySegmentWriter":
        """Begin the next segment of an object. Raises SegmentBusyError."""
        with self._lock:
            if key in self._growing_now:
                raise SegmentBusyError(f"object {key} is being added to")
            self._growing_now.add(key)
            return MemorySegmentWriter(
                store=self, key=key, content=self._growing.setdefault(key, bytearray())
            )

    def read_segments(self, key: ObjectKey, segments: Sequence[Segment]) -> Iterator[bytes]:
        """The bytes of all segments at once."""
        length = sum(segment.length for segment in segments)
        with self._lock:
            content = bytes(self._growing.get(key, b"")[:length])
        if len(content) != length:
            raise StoreError(f"{length} bytes were kept for object {key}, {len(content)} are")
        yield content

    def join(self, key: ObjectKey, segments: Sequence[Segment]) -> None:
        """Make the object of its segments; harmless when repeated."""
        with self._lock:
            if key in self._growing_now:
                raise SegmentBusyError(f"object {key} is being added to")
            done = key in self._objects
        if not done:
            self.keep(key, b"".join(self.read_segments(key, segments)))
        self.drop_segments(key)

    def drop_segments(self, key: ObjectKey) -> None:
        """Remove what was kept for an object to be."""
        with self._lock:
            self._growing.pop(key, None)

    def let_go(self, key: ObjectKey) -> None:
        """Others may add to the object again."""
        with self._lock:
            self._growing_now.discard(key)

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        """The objects whose key begins with prefix, in the order of the keys."""
        with self._lock:
            found = sorted((k, v) for k, v in self._objects.items() if k.startswith(prefix))
        for key, (content, modified) in found:
            yield StoredObject(key=key, length=len(content), modified=modified)

    def sweep_incomplete(self, older_than: datetime) -> int:
        """Forget uploads last written before a moment; says how many there were."""
        with self._lock:
            stale = [
                k for k, writer in self._incomplete.items() if writer.written_at < older_than
            ]
            for key in stale:
                del self._incomplete[key]
        return len(stale)

    def check(self) -> None:
        """It is there as long as the process is."""

    def close(self) -> None:
        """Drop everything."""
        with self._lock:
            self._objects.clear()
            self._incomplete.clear()
            self._growing.clear()

    def check_room(self, more_bytes: int) -> None:
        """Raises StoreFullError when more_bytes do not fit beside what is committed."""
        with self._lock:
            used = sum(len(content) for content, _ in self._objects.values())
        if self._capacity_bytes is not None and used + more_bytes > self._capacity_bytes:
            raise StoreFullError(f"the store of {self._capacity_bytes} bytes is full")

    def keep(self, key: ObjectKey, content: bytes) -> None:
        """Make a finished upload an object."""
        with self._lock:
            self._objects[key] = (content, datetime.now(UTC))
            self._incomplete.pop(key, None)

    def forget(self, key: ObjectKey) -> None:
        """Drop an unfinished upload."""
        with self._lock:
            self._incomplete.pop(key, None)

    def _content(self, key: ObjectKey) -> bytes:
        with self._lock:
            try:
                return self._objects[key][0]
            except KeyError:
                raise ObjectNotFoundError(key) from None


class MemoryWriter:
    """An object being written into memory."""

    def __init__(self, *, store: MemoryStore, key: ObjectKey) -> None:
        self._store = store
        self._key = key
        self._content = bytearray()
        self.written_at = datetime.now(UTC)

    @property
    def key(self) -> ObjectKey:
        """The key under which the object will be found after commit."""
        return self._key

    def write(self, chunk: bytes | memoryview) -> None:
        """Append all of chunk. Raises StoreFullError."""
        self._store.check_room(len(self._content) + len(chunk))
        self._content += chunk
        self.written_at = datetime.now(UTC)

    def commit(self) -> None:
        """Make the object readable."""
        self._store.keep(self._key, bytes(self._content))

    def abort(self) -> None:
        """Drop what was written; harmless after commit."""
        self._store.forget(self._key)


class MemorySegmentWriter:
    """A segment being written behind the others."""

    def __init__(self, *, store: MemoryStore, key: ObjectKey, content: bytearray) -> None:
        self._store = store
        self._key = key
        self._content = content
        self._start = len(content)

    @property
    def name(self) -> str:
        """The object and where the segment begins in it."""
        return f"{self._key}.{self._start}"

    def begin(self, start: int) -> None:
        """Write behind the first start bytes."""
        self._start = start
        self.abort()

    def write(self, chunk: bytes | memoryview) -> None:
        """Append all of chunk. Raises StoreFullError."""
        self._store.check_room(len(self._content) + len(chunk))
        self._content += chunk

    def commit(self) -> None:
        """Nothing is durable here."""

    def abort(self) -> None:
        """Drop the segment."""
        del self._content[self._start :]

    def close(self) -> None:
        """Let others add to the object."""
        self._store.let_go(self._key)


class MemoryReader:
    """An open object in memory."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    @property
    def length(self) -> int:
        """The object's length in bytes."""
        return len(self._content)

    def read_at(self, offset: int, size: int) -> bytes:
        """Up to size bytes from offset."""
        return self._content[offset : offset + size]

    def close(self) -> None:
        """Nothing is held."""
