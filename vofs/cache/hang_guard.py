"""Keeps readers from hanging with a disk that can hang: one behind a network or a daemon.

On such a disk, what touches it runs in a thread of its own, and whoever waits for it goes on
without it when the disk is found to hang (disk_health.py). Local disks fail instead of
hanging, and are read directly: the extra thread would halve the speed of a hit.
"""

import ctypes
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, Generic, TypeVar

from vofs.cache.disk_health import DiskHealth

# The f_type of statfs(2): FUSE, NFS, CIFS and SMB, Lustre, Ceph, 9P, GPFS, BeeGFS, AFS.
_CAN_HANG: Final = frozenset(
    {
        0x65735546,
        0x6969,
        0xFF534D42,
        0xFE534D42,
        0x517B,
        0x0BD00BD0,
        0x00C36400,
        0x01021997,
        0x47504653,
        0x19830326,
        0x5346414F,
    }
)
_STATFS_BYTES: Final = 256
_SLICE_SECONDS: Final = 0.1

T = TypeVar("T")


class DiskHangs(OSError):  # noqa: N818 -- named like the other errors of the cache
    """The disk did not answer; nothing is known of what was asked of it."""


class HangGuard:
    """Runs what touches the disk."""

    def __init__(self, root: Path, health: DiskHealth) -> None:
        self.is_needed = _filesystem_type(root) in _CAN_HANG
        self._health = health

    def run(self, work: Callable[[], T]) -> T:
        """Do it and return its result; raises DiskHangs, leaving it behind, if it hangs."""
        if not self.is_needed:
            return work()
        task = _Task(work)
        threading.Thread(target=task.run, name="vofs-guarded", daemon=True).start()
        while not task.done.wait(_SLICE_SECONDS):
            if self._health.stalled:
                raise DiskHangs("the disk of the cache does not answer")
        return task.result()


class _Task(Generic[T]):
    """One piece of work and what came of it."""

    def __init__(self, work: Callable[[], T]) -> None:
        self.done = threading.Event()
        self._work = work
        self._results: list[T] = []
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            self._results.append(self._work())
        except BaseException as error:  # noqa: BLE001 -- raised in the thread that waits
            self._error = error
        finally:
            self.done.set()

    def result(self) -> T:
        if self._error is not None:
            raise self._error
        return self._results[0]


def _filesystem_type(path: Path) -> int:
    """The type of a file system; 0 where the kernel does not say."""
    buffer = ctypes.create_string_buffer(_STATFS_BYTES)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.statfs(os.fsencode(path), buffer) != 0:
        return 0
    return int.from_bytes(buffer.raw[: ctypes.sizeof(ctypes.c_long)], "little") & 0xFFFFFFFF
