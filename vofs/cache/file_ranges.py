"""What the os module lacks for files that processes share: locks on ranges, holes, and more."""

import ctypes
import errno
import fcntl
import mmap
import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FALLOC_FL_KEEP_SIZE = 0x01
_FALLOC_FL_PUNCH_HOLE = 0x02
# struct flock of 64-bit Linux: type, whence, start, length, pid (always 0 for these locks).
_FLOCK = struct.Struct("@hhqqi4x")
_LOCK_RETRY_SECONDS = 0.001

_libc = ctypes.CDLL(None, use_errno=True)
_libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
_libc.fallocate.restype = ctypes.c_int
_libc.syncfs.argtypes = [ctypes.c_int]
_libc.syncfs.restype = ctypes.c_int
_libc.mlock.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
_libc.mlock.restype = ctypes.c_int


def keep_in_memory(page: mmap.mmap) -> None:
    """Have a mapping never read from the disk again, where the process may ask for that.

    A mapped page that a failing disk can't give again would end the process.
    """
    start = ctypes.c_char.from_buffer(page)
    _libc.mlock(ctypes.addressof(start), len(page))


def open_file(path: str | Path, flags: int = os.O_RDWR | os.O_CREAT) -> int:
    """Open or make a file of ours; a folder in its place, which is not ours, goes."""
    try:
        return os.open(path, flags | os.O_CLOEXEC, 0o600)
    except IsADirectoryError:
        os.rmdir(path)  # noqa: PTH106 -- also for paths that are strings
        return os.open(path, flags | os.O_CLOEXEC, 0o600)


def remove_file(path: str | Path) -> None:
    """Remove a file, or a folder in its place; nothing there is nothing to do."""
    try:
        os.unlink(path)  # noqa: PTH108 -- also for paths that are strings
    except FileNotFoundError:
        return
    except IsADirectoryError:
        os.rmdir(path)  # noqa: PTH106 -- as above


def sync_file_system(descriptor: int) -> None:
    """Have everything on the file system of an open file on its disk; raises OSError."""
    if _libc.syncfs(descriptor) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def punch_hole(descriptor: int, start: int, length: int) -> bool:
    """Give the disk blocks of a range back; it then reads as zeros. False where impossible."""
    mode = _FALLOC_FL_PUNCH_HOLE | _FALLOC_FL_KEEP_SIZE
    if _libc.fallocate(descriptor, mode, start, length) == 0:
        return True
    code = ctypes.get_errno()
    if code in {errno.EOPNOTSUPP, errno.ENOSYS}:
        return False
    raise OSError(code, os.strerror(code))


def try_lock_range(descriptor: int, start: int, length: int) -> bool:
    """Take an exclusive lock that other open file descriptions respect, without waiting.

    The lock belongs to the open file description: it ends with the process however that
    ends, and two locks taken through the same descriptor never exclude each other.
    """
    wanted = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, start, length, 0)
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, wanted)
    except OSError as error:
        if error.errno in {errno.EAGAIN, errno.EACCES}:
            return False
        raise
    return True


def unlock_range(descriptor: int, start: int, length: int) -> None:
    """Give back what `try_lock_range` took."""
    released = _FLOCK.pack(fcntl.F_UNLCK, os.SEEK_SET, start, length, 0)
    fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, released)


def lock_file(descriptor: int, operation: int, seconds: float) -> bool:
    """Take a whole-file lock (fcntl.LOCK_SH or LOCK_EX), waiting at most so long."""
    end = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, operation | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                return False
            time.sleep(_LOCK_RETRY_SECONDS)
        else:
            return True


@contextmanager
def locked_file(descriptor: int, seconds: float) -> Iterator[bool]:
    """Hold a file exclusively; yields False when another holds it for so long."""
    taken = lock_file(descriptor, fcntl.LOCK_EX, seconds)
    try:
        yield taken
    finally:
        if taken:
            fcntl.flock(descriptor, fcntl.LOCK_UN)


def pwrite_all(descriptor: int, data: bytes | bytearray | memoryview, offset: int) -> None:
    """Write all of it, however often the kernel takes a part only."""
    done = os.pwrite(descriptor, data, offset)
    if done == len(data):
        return
    rest = memoryview(data)
    while done < len(rest):
        done += os.pwrite(descriptor, rest[done:], offset + done)
