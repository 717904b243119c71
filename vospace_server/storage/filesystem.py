"""A store in a directory: temporary file, fsync, link; one file per object.

    ROOT/incoming/KEY          uploads under way; swept when they are older than the grace
    ROOT/growing/KEY           objects that are made in several requests, one behind the other
    ROOT/objects/aa/bb/KEY     committed objects, aabb being the first digits of the key

An object appears by link(2) from one of the first two, so it is there whole or not at all.
Before commit returns, its bytes, its directory entry and every directory made for it are on
stable storage. Keys are random, but those that one process makes one after the other share
their directory for a while: a new directory for each object would cost more syncs than the
object itself.
"""

import os
import secrets
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from vospace_server.storage.early_writes import EarlyWrites, append_all
from vospace_server.storage.growing_file import GrowingFile
from vospace_server.storage.object_store import (
    ObjectKey,
    ObjectNotFoundError,
    Segment,
    StoredObject,
    StoreProperties,
    check_key,
    new_key,
    read_range,
)
from vospace_server.storage.posix_errors import fsync_directory, translated

# So many keys of one process share their first four digits. The others stay random.
_KEYS_PER_DIRECTORY = 256
_PREFIX_BYTES = 2
# What grows is removed by whoever keeps its list of segments; this is for a database that was
# set back to a time before it.
_GROWING_LIFE = timedelta(days=7)


class FilesystemStore:
    """Objects as files below one directory, which several processes may share.

    sync=False leaves out every fsync: faster, and what was acknowledged in the last seconds
    may be lost with the power. It is for tests and scratch space.
    """

    def __init__(self, root: Path, *, sync: bool = True) -> None:
        self._root = root
        self._objects = root / "objects"
        self._incoming = root / "incoming"
        self._growing = root / "growing"
        self._sync = sync
        # Directories known to be on stable storage. A directory that exists is not yet
        # durable: another writer may have made it a moment ago and not synced its parent.
        self._durable: set[Path] = set()
        self._durable_lock = threading.Lock()
        # Guards the two below: the directory of the next keys, and for how many it is.
        self._key_lock = threading.Lock()
        self._prefix = ""
        self._keys_left = 0
        with translated(f"preparing the store {root}"):
            for directory in (root, self._objects, self._incoming, self._growing):
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def properties(self) -> StoreProperties:
        """Shared through the directory; durable unless sync is off."""
        return StoreProperties(shared=True, durable=self._sync, keeps_open_objects=True)

    def new_key(self) -> ObjectKey:
        """A key for an object to be created, in the directory of the one before."""
        with self._key_lock:
            if not self._keys_left:
                self._prefix = secrets.token_hex(_PREFIX_BYTES)
                self._keys_left = _KEYS_PER_DIRECTORY
            self._keys_left -= 1
            return ObjectKey(self._prefix + new_key()[len(self._prefix) :])

    def create(self, key: ObjectKey | None = None) -> "FilesystemWriter":
        """Begin a new object. Raises StoreFullError or StoreError."""
        return FilesystemWriter(store=self, key=key or self.new_key(), incoming=self._incoming)

    def open(self, key: ObjectKey) -> "FilesystemReader":
        """Open an object for reading. Raises ObjectNotFoundError."""
        path = self._path_of(check_key(key))
        with translated(f"opening object {key}"):
            try:
                return FilesystemReader(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
            except FileNotFoundError:
                raise ObjectNotFoundError(key) from None

    def length(self, key: ObjectKey) -> int:
        """The length of an object in bytes. Raises ObjectNotFoundError."""
        path = self._path_of(check_key(key))
        with translated(f"looking at object {key}"):
            try:
                return path.stat().st_size
            except FileNotFoundError:
                raise ObjectNotFoundError(key) from None

    def delete(self, key: ObjectKey) -> None:
        """Remove an object; harmless when it is gone. Not synced: a collector comes again."""
        path = self._path_of(check_key(key))
        with translated(f"deleting object {key}"):
            path.unlink(missing_ok=True)

    def add_segment(self, key: ObjectKey) -> GrowingFile:
        """Begin the next segment of an object. Raises SegmentBusyError."""
        return GrowingFile(self._growing / check_key(key), sync=self._sync)

    def read_segments(self, key: ObjectKey, segments: Sequence[Segment]) -> Iterator[bytes]:
        """The bytes of segments in chunks. Raises StoreError when they are not whole."""
        length = sum(segment.length for segment in segments)
        with translated(f"reading what there is of object {key}"):
            descriptor = os.open(self._growing / check_key(key), os.O_RDONLY | os.O_CLOEXEC)
        reader = FilesystemReader(descriptor)
        try:
            yield from read_range(reader, 0, length)
        finally:
            reader.close()

    def join(self, key: ObjectKey, segments: Sequence[Segment]) -> None:
        """The file with all segments becomes the object, without being copied."""
        growing = self._growing / check_key(key)
        length = sum(segment.length for segment in segments)
        if not growing.exists() and self.length(key) == length:
            return
        whole = GrowingFile(growing, sync=self._sync)
        try:
            whole.begin(length)
            whole.commit()
            with translated(f"committing object {key}"), suppress(FileExistsError):
                self.publish(growing, key)
            self.drop_segments(key)
        finally:
            whole.close()

    def drop_segments(self, key: ObjectKey) -> None:
        """Remove what was kept for an object to be."""
        with translated(f"dropping what there is of object {key}"):
            (self._growing / check_key(key)).unlink(missing_ok=True)

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        """The objects whose key begins with prefix, in the order of the keys."""
        for first in _names(self._objects, prefix[:2]):
            for second in _names(self._objects / first, prefix[2:4]):
                yield from _objects_in(self._objects / first / second, prefix)

    def sweep_incomplete(self, older_than: datetime) -> int:
        """Remove unfinished uploads last written before a moment; says how many."""
        return _sweep(self._incoming, older_than) + _sweep(
            self._growing, older_than - _GROWING_LIFE
        )

    def check(self) -> None:
        """Both directories are there and can be looked into."""
        with translated("looking into the store"):
            for directory in (self._objects, self._incoming):
                os.scandir(directory).close()

    def close(self) -> None:
        """Nothing is held open."""

    def publish(self, temporary: Path, key: ObjectKey) -> None:
        """Give a complete, synced temporary file its final name, durably."""
        final = self._path_of(key)
        self._prepare(final.parent)
        os.link(temporary, final)
        if self._sync:
            fsync_directory(final.parent)

    def sync_file(self, descriptor: int) -> None:
        """Put a file's bytes on stable storage, unless the store was told not to."""
        if self._sync:
            os.fsync(descriptor)

    def _prepare(self, directory: Path) -> None:
        """Make directory and its parent below objects, and make their entries durable."""
        with self._durable_lock:
            if directory in self._durable:
                return
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._sync:
            fsync_directory(directory.parent)
            fsync_directory(self._objects)
        with self._durable_lock:
            self._durable.add(directory)

    def _path_of(self, key: ObjectKey) -> Path:
        return self._objects / key[:2] / key[2:4] / key


class FilesystemWriter:
    """An object being written into its temporary file."""

    def __init__(self, *, store: FilesystemStore, key: ObjectKey, incoming: Path) -> None:
        self._store = store
        self._key = key
        self._temporary = incoming / key
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with translated("beginning an upload"):
            self._descriptor = os.open(self._temporary, flags, 0o600)
        self._early = EarlyWrites(self._descriptor) if store.properties.durable else None

    @property
    def key(self) -> ObjectKey:
        """The key under which the object will be found after commit."""
        return self._key

    def write(self, chunk: bytes | memoryview) -> None:
        """Append all of chunk. Raises StoreFullError or StoreError."""
        with translated(f"writing object {self._key}"):
            append_all(self._descriptor, chunk, self._early)

    def commit(self) -> None:
        """Sync, link and sync again; the object is then readable and durable."""
        with translated(f"committing object {self._key}"):
            self._store.sync_file(self._descriptor)
            self._store.publish(self._temporary, self._key)
        self.abort()

    def abort(self) -> None:
        """Remove the temporary file; harmless after commit. A failure is the sweeper's."""
        if self._descriptor >= 0:
            with suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = -1
        with suppress(OSError):
            self._temporary.unlink(missing_ok=True)


class FilesystemReader:
    """An open object: its descriptor outlives the deletion of the file."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._length = os.fstat(descriptor).st_size

    @property
    def length(self) -> int:
        """The object's length in bytes."""
        return self._length

    def read_at(self, offset: int, size: int) -> bytes:
        """Up to size bytes from offset. Raises StoreError when the disk fails."""
        with translated("reading an object"):
            chunk = os.pread(self._descriptor, size, offset)
            if len(chunk) in {0, size}:
                return chunk
            return chunk + self.read_at(offset + len(chunk), size - len(chunk))

    def close(self) -> None:
        """Give the descriptor back; harmless when repeated."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _names(directory: Path, prefix: str) -> list[str]:
    """The sorted names in a directory, hidden ones left out; none when it is not there."""
    try:
        names = os.listdir(directory)  # noqa: PTH208 - names alone, no Path per entry
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(n for n in names if n.startswith(prefix) and not n.startswith("."))


def _sweep(directory: Path, older_than: datetime) -> int:
    """Remove files last written before a moment; says how many."""
    swept = 0
    for name in _names(directory, ""):
        path = directory / name
        with suppress(FileNotFoundError), translated(f"sweeping {path}"):
            if path.stat().st_mtime < older_than.timestamp():
                path.unlink()
                swept += 1
    return swept


def _objects_in(directory: Path, prefix: str) -> Iterator[StoredObject]:
    for name in _names(directory, prefix):
        with suppress(FileNotFoundError):  # deleted since the directory was read
            status = (directory / name).stat()
            yield StoredObject(
                key=ObjectKey(name),
                length=status.st_size,
                modified=datetime.fromtimestamp(status.st_mtime, UTC),
            )
