"""The few numbers that all processes on one cache directory share.

One page of a file, written through the descriptor and read through a mapping:

- the *epoch* grows before any bytes that an index claimed are given up, so that a reader who
  finds it unchanged after a read knows that the bytes were there throughout;
- *used* is an estimate of the bytes stored, corrected by a recount at the start of a process.
"""

import mmap
import os
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from vofs.cache.file_ranges import keep_in_memory, locked_file, open_file, pwrite_all

_PAGE_BYTES: Final = 4096
_MAGIC: Final = b"VOFSSTA1"
_EPOCH: Final = slice(8, 16)
_USED: Final = slice(16, 24)
_NUMBER: Final = struct.Struct("<q")
# Holders work for microseconds; one that was stopped in the middle must not stop the others.
_LOCK_SECONDS: Final = 1.0


class SharedState:
    """Opened once per process; every change is made under the lock of the file."""

    def __init__(self, path: Path) -> None:
        self._descriptor = open_file(path)
        # Excludes the threads of this process; the file lock excludes the other processes.
        self._lock = threading.Lock()
        with self._exclusive():
            if os.pread(self._descriptor, _PAGE_BYTES, 0)[: _EPOCH.start] != _MAGIC:
                # Written, not only made longer: a mapped hole of a full disk is a SIGBUS. Never
                # cut shorter, for the same reason: another process may have it mapped.
                page = _MAGIC + _NUMBER.pack(time.time_ns()) + bytes(_PAGE_BYTES - _USED.start)
                pwrite_all(self._descriptor, page, 0)
            elif os.fstat(self._descriptor).st_size < _PAGE_BYTES:
                pwrite_all(self._descriptor, bytes(_PAGE_BYTES - _USED.stop), _USED.stop)
        self._page = mmap.mmap(self._descriptor, _PAGE_BYTES)
        keep_in_memory(self._page)

    def epoch(self) -> bytes:
        """The epoch, to be compared with another one and nothing else. Takes 100 ns."""
        return self._page[_EPOCH]

    def advance_epoch(self) -> None:
        """Tell every reader in every process to look again at what the indexes say."""
        with self._exclusive():
            self._put(_EPOCH, self._number(_EPOCH) + 1)

    @property
    def used(self) -> int:
        """Bytes stored, by estimate."""
        return max(0, self._number(_USED))

    def add_used(self, change: int) -> None:
        """Count bytes that were stored or given up."""
        with self._exclusive():
            self._put(_USED, max(0, self.used + change))

    def reserve(self, size: int, limit: int) -> bool:
        """Count bytes that are about to be stored, unless they would pass the limit."""
        with self._exclusive():
            used = self.used + size
            if used > limit:
                return False
            self._put(_USED, used)
            return True

    def close(self) -> None:
        """Give the file back; nothing of this object may be used after."""
        self._page.close()
        os.close(self._descriptor)

    def _number(self, place: slice) -> int:
        value: int = _NUMBER.unpack(self._page[place])[0]
        return value

    def _put(self, place: slice, value: int) -> None:
        pwrite_all(self._descriptor, _NUMBER.pack(value), place.start)

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        with self._lock, locked_file(self._descriptor, _LOCK_SECONDS):
            yield
