"""A small content on disk: one file with identity, record and data, made in one step.

Nothing is synced: a file that a power cut tore does not match its record and is fetched again.
"""

import logging
import os
import time
from contextlib import suppress
from typing import Final

from typing_extensions import override

from vofs.cache.cache_directory import CacheDirectory
from vofs.cache.checksum import crc32
from vofs.cache.content_identity import PACKED_BYTES, ContentIdentity
from vofs.cache.content_store import UNUSABLE_FILE, ContentStore
from vofs.cache.file_ranges import pwrite_all, remove_file
from vofs.cache.index_record import (
    IDENTITY_BYTES,
    RECORD_BYTES,
    RecordMaker,
    describes,
    pack_identity,
)
from vofs.cache.times_of_use import Stamp, mark_use, read_use

_DATA_AT: Final = IDENTITY_BYTES + RECORD_BYTES
_NONE: Final = -1
# A use so soon after another one is not noted: thousands of small files are read in a row.
_TOUCH_SECONDS: Final = 1.0

logger = logging.getLogger(__name__)


class PackedStore(ContentStore):
    """The file of one small content, if there is one; its single granule is all of it."""

    def __init__(self, directory: CacheDirectory, identity: ContentIdentity) -> None:
        self.descriptor = _NONE
        self.base = _DATA_AT
        self._directory = directory
        self._identity = identity
        self._path = directory.path(identity.key, "pack")
        # Descriptors of files that were replaced; somebody may still read from them.
        self._retired: list[int] = []

    @override
    def write(self, first: int, data: memoryview) -> None:
        self._retire()
        self.descriptor = write_pack(self._directory, self._identity, data)

    @override
    def presence(self, first: int, stop: int) -> bytes:
        # An evicted file that is open here keeps its data.
        return b"\1" if self.descriptor != _NONE else b"\0"

    @override
    def verified(self, first: int, stop: int) -> bytes:
        if self.descriptor == _NONE:
            self.descriptor = self._open()
        if self.descriptor == _NONE:
            return b"\0"
        if self._is_right():
            return b"\1"
        logger.warning(
            "cache: content %s is damaged on disk; it is fetched again",
            self._identity.content_id,
        )
        self._retire()
        remove_file(self._path)
        return b"\0"

    @override
    def touch(self, group: int, when: float, *, is_fetch: bool) -> None:
        if self.descriptor == _NONE or is_fetch:
            return
        used_at, is_reused = read_use(os.fstat(self.descriptor))
        if when - used_at > _TOUCH_SECONDS:
            stamp = Stamp(used_at=used_at, is_reused=is_reused)
            mark_use(self.descriptor, stamp.used(when))

    @override
    def fingerprint(self) -> tuple[int, int] | None:
        return None  # checked in microseconds

    @override
    def is_marked_whole(self) -> bool:
        return True  # its digest is checked before it is written

    @override
    def mark_whole(self) -> None:
        return

    @override
    def close(self) -> None:
        self._retire()
        for descriptor in self._retired:
            os.close(descriptor)
        self._retired.clear()

    def _open(self) -> int:
        try:
            # For writing too, because that tells a folder from a file.
            return os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return _NONE
        except OSError as error:
            if error.errno not in UNUSABLE_FILE:
                raise
            logger.warning(
                "cache: content %s is fetched again: it can't be opened: %s",
                self._identity.content_id,
                error.strerror,
            )
            remove_file(self._path)
            return _NONE

    def _is_right(self) -> bool:
        content = os.pread(self.descriptor, _DATA_AT + PACKED_BYTES + 1, 0)
        data = content[_DATA_AT:]
        if len(data) != self._identity.length:
            return False
        record = content[IDENTITY_BYTES:_DATA_AT]
        expected = RecordMaker(self._identity).crc_of(0, record)
        return describes(content[:IDENTITY_BYTES], self._identity) and expected == crc32(data)

    def _retire(self) -> None:
        if self.descriptor != _NONE:
            self._retired.append(self.descriptor)
            self.descriptor = _NONE


def write_pack(
    directory: CacheDirectory, identity: ContentIdentity, data: bytes | memoryview
) -> int:
    """Put a small content in its place, whole; returns a descriptor of the file."""
    record = RecordMaker(identity).record(0, crc32(data))
    path = directory.path(identity.key, "pack")
    temporary = directory.temporary_path()
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    descriptor = os.open(temporary, flags, 0o600)
    try:
        pwrite_all(descriptor, b"".join((pack_identity(identity), record, data)), 0)
        mark_use(descriptor, Stamp(used_at=time.time(), is_reused=False))
        _rename(directory, temporary, path)
    except BaseException:
        os.close(descriptor)
        with suppress(OSError):
            remove_file(temporary)
        raise
    return descriptor


def _rename(directory: CacheDirectory, source: str, target: str) -> None:
    try:
        os.rename(source, target)  # noqa: PTH104 -- strings throughout: see CacheDirectory
    except FileNotFoundError:
        directory.make_room_for_name(target)
        os.rename(source, target)  # noqa: PTH104 -- as above
