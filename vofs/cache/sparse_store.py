"""A large content on disk: its bytes in one sparse file, what is there in an index beside it.

The data is written before the record that claims it, and a record proves itself
(index_record.py), so a process may die between any two instructions. Layout of the index:
identity, the mark of a checked digest, a time of use per group, a record per granule.
"""

import fcntl
import logging
import os
import struct
import time
from pathlib import Path
from typing import Final, Self

from typing_extensions import override

from vofs.cache.cache_directory import CacheDirectory
from vofs.cache.checksum import crc32
from vofs.cache.content_identity import ContentIdentity
from vofs.cache.content_store import UNUSABLE_FILE, ContentStore
from vofs.cache.file_ranges import lock_file, pwrite_all, remove_file
from vofs.cache.index_record import (
    ABSENT,
    IDENTITY_BYTES,
    RECORD_BYTES,
    RecordMaker,
    describes,
    pack_identity,
    presence_of,
)
from vofs.cache.times_of_use import Stamp

_WHOLE_AT: Final = IDENTITY_BYTES
_STAMPS_AT: Final = 2 * IDENTITY_BYTES
_STAMP: Final = struct.Struct("<d")
# An evictor holds the lock of an index for as long as two unlinks take.
_LOCK_SECONDS: Final = 1.0
_OPEN_ATTEMPTS: Final = 5

logger = logging.getLogger(__name__)


class IndexLayout:
    """Where in an index file what stands."""

    __slots__ = ("groups", "records_at", "total_bytes")

    def __init__(self, identity: ContentIdentity) -> None:
        self.groups = identity.groups
        self.records_at = _STAMPS_AT + _STAMP.size * identity.groups
        self.total_bytes = self.records_at + RECORD_BYTES * identity.granules

    def stamps(self, index: int, first: int = 0, stop: int | None = None) -> list[Stamp]:
        """The times of last use of groups, by default of all."""
        groups = (self.groups if stop is None else stop) - first
        at = _STAMPS_AT + _STAMP.size * first
        raw = os.pread(index, _STAMP.size * groups, at)
        whole = len(raw) // _STAMP.size * _STAMP.size
        return [Stamp.from_number(number) for (number,) in _STAMP.iter_unpack(raw[:whole])]

    def records(self, index: int, first: int, stop: int) -> bytes:
        """The records of granules, as they stand; fewer bytes where the file is too short."""
        size = RECORD_BYTES * (stop - first)
        return os.pread(index, size, self.records_at + RECORD_BYTES * first)

    def clear_records(self, index: int, first: int, stop: int) -> None:
        """Claim granules no longer, nor that the whole was found right."""
        pwrite_all(index, ABSENT, _WHOLE_AT)
        at = self.records_at + RECORD_BYTES * first
        pwrite_all(index, ABSENT * (stop - first), at)


class SparseStore(ContentStore):
    """The two open files of one large content. An index in use is locked for sharing."""

    def __init__(self, *, identity: ContentIdentity, data: int, index: int) -> None:
        self.descriptor = data
        self.base = 0
        self._identity = identity
        self._index = index
        self._layout = IndexLayout(identity)
        self._maker = RecordMaker(identity)
        # One line in the log tells of it, not one for each step of reading.
        self._is_known_damaged = False

    @classmethod
    def open(cls, directory: CacheDirectory, identity: ContentIdentity) -> Self:
        """Open what is there, or make it; files that contradict the identity are replaced."""
        for _ in range(_OPEN_ATTEMPTS):
            store = cls._open_existing(directory, identity)
            if store is None:
                store = cls._create(directory, identity)
            if store is not None:
                return store
        raise BlockingIOError(f"content {identity.content_id} is being evicted all the time")

    @classmethod
    def _open_existing(
        cls, directory: CacheDirectory, identity: ContentIdentity
    ) -> Self | None:
        """The store, or None when it must be made, or tried again."""
        try:
            index = os.open(directory.path(identity.key, "index"), os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno not in UNUSABLE_FILE:
                raise
            _discard(directory, identity, f"its index can't be opened: {error.strerror}")
            return None
        try:
            found = cls._open_data(directory, identity, index)
        except BaseException:
            os.close(index)
            raise
        if isinstance(found, cls):
            return found
        os.close(index)
        if isinstance(found, str):
            _discard(directory, identity, found)
        return None

    @classmethod
    def _open_data(
        cls, directory: CacheDirectory, identity: ContentIdentity, index: int
    ) -> Self | str | None:
        """The store; or why it can't be used; or None when it was evicted just now."""
        if not lock_file(index, fcntl.LOCK_SH, _LOCK_SECONDS) or not os.fstat(index).st_nlink:
            return None
        if not describes(os.pread(index, IDENTITY_BYTES, 0), identity):
            return "its index describes something else"
        try:
            data = os.open(directory.path(identity.key, "data"), os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            if error.errno not in UNUSABLE_FILE and not isinstance(error, FileNotFoundError):
                raise
            return f"its data can't be opened: {error.strerror}"
        if os.fstat(data).st_size != identity.length:
            os.close(data)
            return "its data has the wrong length"
        return cls(identity=identity, data=data, index=index)

    @classmethod
    def _create(cls, directory: CacheDirectory, identity: ContentIdentity) -> Self | None:
        """Make both files; None when another process was faster."""
        path = directory.path(identity.key, "data")
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        try:
            data = os.open(path, flags, 0o600)
        except FileNotFoundError:
            directory.make_room_for_name(path)
            data = os.open(path, flags, 0o600)
        try:
            os.ftruncate(data, identity.length)
            index = create_index(directory, identity)
        except BaseException:
            os.close(data)
            raise
        if index is None:
            os.close(data)
            return None
        return cls(identity=identity, data=data, index=index)

    @classmethod
    def take_over(
        cls, directory: CacheDirectory, identity: ContentIdentity, path: Path
    ) -> Self | None:
        """Make a finished file the data of a content; None when there is such a content."""
        target = directory.path(identity.key, "data")
        directory.make_room_for_name(target)
        data = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            os.link(path, target)
        except FileExistsError:
            os.close(data)
            return None
        try:
            index = create_index(directory, identity)
        except BaseException:
            remove_file(target)
            os.close(data)
            raise
        if index is None:
            os.close(data)
            return None
        return cls(identity=identity, data=data, index=index)

    def claim_all(self, step_bytes: int) -> None:
        """Write the records of a file that is whole."""
        granules = max(1, step_bytes >> self._identity.granule_shift)
        for first in range(0, self._identity.granules, granules):
            start = first << self._identity.granule_shift
            end = self._identity.end_of(first + granules)
            self._claim(first, memoryview(os.pread(self.descriptor, end - start, start)))

    def copy_in(self, path: Path, step_bytes: int) -> int:
        """Store the bytes of a whole file; returns how many those are."""
        step = max(1, step_bytes >> self._identity.granule_shift)
        with path.open("rb", buffering=0) as file:
            for first in range(0, self._identity.granules, step):
                start = first << self._identity.granule_shift
                size = self._identity.end_of(first + step) - start
                self.write(first, memoryview(os.pread(file.fileno(), size, start)))
        return self._identity.length

    @override
    def write(self, first: int, data: memoryview) -> None:
        pwrite_all(self.descriptor, data, first << self._identity.granule_shift)
        self._claim(first, data)

    def _claim(self, first: int, data: memoryview) -> None:
        """Write the records of data that is there."""
        step = self._identity.granule_bytes
        crcs = [crc32(data[at : at + step]) for at in range(0, len(data), step)]
        records = self._maker.records(first, crcs)
        pwrite_all(self._index, records, self._layout.records_at + RECORD_BYTES * first)

    @override
    def presence(self, first: int, stop: int) -> bytes:
        found = presence_of(self._layout.records(self._index, first, stop))
        return found.ljust(stop - first, b"\0")

    @override
    def verified(self, first: int, stop: int) -> bytes:
        records = self._layout.records(self._index, first, stop)
        claimed = len(records) // RECORD_BYTES - presence_of(records).count(0)
        if not claimed:
            return bytes(stop - first)
        step = self._identity.granule_bytes
        start = first * step
        data = memoryview(os.pread(self.descriptor, self._identity.end_of(stop) - start, start))
        right = bytes(
            self._is_right(
                first + number,
                records[number * RECORD_BYTES : (number + 1) * RECORD_BYTES],
                data[number * step : (number + 1) * step],
            )
            for number in range(stop - first)
        )
        if sum(right) < claimed:
            self._drop_damaged(first, records, right)
        return right

    def _drop_damaged(self, first: int, records: bytes, right: bytes) -> None:
        """Unclaim what is claimed and wrong, so that it is fetched again."""
        damaged = 0
        for number, is_right in enumerate(right):
            record = records[number * RECORD_BYTES : (number + 1) * RECORD_BYTES]
            if is_right or not any(record):
                continue
            # A record that changed meanwhile was evicted or renewed: the data is not damaged.
            if self._layout.records(self._index, first + number, first + number + 1) == record:
                self._layout.clear_records(self._index, first + number, first + number + 1)
                damaged += 1
        if damaged and not self._is_known_damaged:
            self._is_known_damaged = True
            logger.warning(
                "cache: content %s is damaged on disk; what is wrong of it is fetched again",
                self._identity.content_id,
            )

    def _is_right(self, granule: int, record: bytes, data: memoryview) -> bool:
        crc = self._maker.crc_of(granule, record)
        return crc is not None and crc == crc32(data)

    @override
    def touch(self, group: int, when: float, *, is_fetch: bool) -> None:
        for stamp in self._layout.stamps(self._index, group, group + 1):
            new = stamp.fetched(when) if is_fetch else stamp.used(when)
            at = _STAMPS_AT + _STAMP.size * group
            pwrite_all(self._index, _STAMP.pack(new.number()), at)

    @override
    def fingerprint(self) -> tuple[int, int] | None:
        status = os.fstat(self.descriptor)
        return status.st_ino, status.st_mtime_ns

    @override
    def is_marked_whole(self) -> bool:
        return os.pread(self._index, RECORD_BYTES, _WHOLE_AT) == self._maker.whole_record()

    @override
    def mark_whole(self) -> None:
        pwrite_all(self._index, self._maker.whole_record(), _WHOLE_AT)

    @override
    def close(self) -> None:
        os.close(self.descriptor)
        os.close(self._index)


def create_index(directory: CacheDirectory, identity: ContentIdentity) -> int | None:
    """Put an index that claims nothing in its place; None when one is there already."""
    layout = IndexLayout(identity)
    temporary = directory.temporary_path()
    index = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        pwrite_all(index, pack_identity(identity), 0)
        # All of it was used now; a time of zero would make it the first to be evicted.
        pwrite_all(index, _STAMP.pack(time.time()) * layout.groups, _STAMPS_AT)
        os.ftruncate(index, layout.total_bytes)
        lock_file(index, fcntl.LOCK_SH, _LOCK_SECONDS)
        os.link(temporary, directory.path(identity.key, "index"))
    except FileExistsError:
        os.close(index)
        return None
    except BaseException:
        os.close(index)
        raise
    finally:
        remove_file(temporary)
    return index


def _discard(directory: CacheDirectory, identity: ContentIdentity, why: str) -> None:
    """Remove both files of a content that can't be used as they are."""
    logger.warning("cache: content %s is fetched again: %s", identity.content_id, why)
    # Data first: who finds no index may make both anew, and must not find old data.
    for kind in ("data", "index"):
        remove_file(directory.path(identity.key, kind))
    directory.state.advance_epoch()
