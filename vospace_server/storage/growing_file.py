"""GrowingFile: an object to be, which several requests add to, one after the other.

Whoever adds to it holds its lock (flock), which the kernel gives back when the process ends in
whatever way. So no segment is ever mixed with another, also among many processes, and none
blocks the next for longer than it lives.
"""

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from vospace_server.storage.early_writes import EarlyWrites, append_all
from vospace_server.storage.object_store import SegmentBusyError, StoreError
from vospace_server.storage.posix_errors import fsync_directory, translated


class GrowingFile:
    """The file of one object to be, locked; and one segment being written to its end."""

    def __init__(self, path: Path, *, sync: bool) -> None:
        self._path = path
        self._sync = sync
        self._start: int | None = None
        self._early: EarlyWrites | None = None
        with translated("beginning a segment"):
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._lock()
        except BaseException:
            self._release()
            raise

    @property
    def name(self) -> str:
        """The object and where the segment begins in it."""
        return f"{self._path.name}.{self._start}"

    def begin(self, start: int) -> None:
        """Write behind the first start bytes; what lies beyond them is cut off."""
        with translated(f"beginning a segment of object {self._path.name}"):
            length = os.fstat(self._descriptor).st_size
            if length < start:
                raise StoreError(
                    f"{start} bytes were kept for object {self._path.name}, {length} are there"
                )
            os.ftruncate(self._descriptor, start)
            os.lseek(self._descriptor, start, os.SEEK_SET)
        self._start = start
        self._early = EarlyWrites(self._descriptor, start=start) if self._sync else None

    def write(self, chunk: bytes | memoryview) -> None:
        """Append all of chunk. Raises StoreFullError or StoreError."""
        with translated(f"writing object {self._path.name}"):
            append_all(self._descriptor, chunk, self._early)

    def commit(self) -> None:
        """Put bytes and directory entry on stable storage; the lock is kept."""
        if self._sync:
            with translated(f"committing a segment of object {self._path.name}"):
                os.fsync(self._descriptor)
                fsync_directory(self._path.parent)

    def abort(self) -> None:
        """Cut the segment off; a file without any segment is removed. Never raises.

        What could not be cut off is cut off when the next segment begins.
        """
        if self._descriptor < 0:
            return
        with suppress(OSError):
            if self._start is not None:
                os.ftruncate(self._descriptor, self._start)
            if os.fstat(self._descriptor).st_size == 0:
                self._path.unlink(missing_ok=True)
        self._release()

    def close(self) -> None:
        """Give the lock back; harmless when repeated."""
        self._release()

    def _lock(self) -> None:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            removed = os.fstat(self._descriptor).st_nlink == 0
        except OSError as error:
            raise SegmentBusyError(f"object {self._path.name} is being added to") from error
        if removed:
            # Between opening and locking, whoever had it took the file away.
            raise SegmentBusyError(f"object {self._path.name} was just removed")

    def _release(self) -> None:
        if self._descriptor >= 0:
            with suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = -1
