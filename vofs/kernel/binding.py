"""The only place that knows fusepy: C structures in, calls of Operations, C structures out.

fusepy (libfuse 2) and its twin mfusepy (libfuse 3) register callbacks by name and call them
through one wrapper. Both wrappers have faults that were measured (docs/decisions/): here the
callbacks and the wrapper are our own, and of the library only the structures and the main
loop are used. What holds for every callback:

- whatever is raised, of any kind, becomes the right errno, and the mount lives on;
- a result that doesn't fit its buffer is EIO and never written;
- `read` and `write` work in the kernel's own buffer, without a copy.
"""

# ruff: noqa: D102 -- the methods are libfuse's callbacks; what each means stands in Operations

import ctypes
import errno
import os
import stat
import time
from collections.abc import Callable
from typing import Any, Final, Protocol

from vofs.kernel.attributes import FileAttributes
from vofs.kernel.call_journal import CallJournal
from vofs.kernel.operations import Operations

# timespec.tv_nsec of utimensat(2).
_UTIME_NOW: Final = (1 << 30) - 1
_UTIME_OMIT: Final = (1 << 30) - 2
_MAX_WRITE_TYPE: Final = 0x200  # PyBUF_WRITE
_READ_ONLY: Final = 0x100  # PyBUF_READ
_ROOT_NAMES: Final = (b".", b"..")
_NANOSECONDS: Final = 10**9
# FUSE_FILL_DIR_PLUS: the attributes of a directory entry are complete.
_FILL_DIR_PLUS: Final = 1 << 1

_view_of_memory = ctypes.pythonapi.PyMemoryView_FromMemory
_view_of_memory.restype = ctypes.py_object
_view_of_memory.argtypes = (ctypes.c_void_p, ctypes.c_ssize_t, ctypes.c_int)


class BadResultError(Exception):
    """An operation returned what can't be given to the kernel."""


class _Structures(Protocol):
    """What both libraries define."""

    c_stat: Any
    FUSE: Any


class KernelCalls:
    """The callbacks that are the same for libfuse 2 and 3. Mixed into the library's FUSE.

    Arguments and pointers are the C callbacks' own; each method returns a number that is not
    negative, or raises.
    """

    operations: Operations
    journal: CallJournal
    structures: _Structures

    def _wrapper(self, call: Callable[..., int], *arguments: Any) -> int:
        """Every callback enters here; nothing may leave but a number."""
        name = call.__name__.partition("_")[0]
        try:
            self.journal.count(name)
            result = call(*arguments)
            # bool and None mean that a method forgot what it returns.
            if type(result) is not int or result < 0:
                raise BadResultError(f"{name} returned {result!r}")
            return result
        except BaseException as error:  # noqa: BLE001 -- an exception would return garbage
            return self._failed(name, error)

    def _failed(self, name: str, error: BaseException) -> int:
        try:
            return -self.journal.failed(name, error)
        except BaseException:  # noqa: BLE001 -- as above, when even reporting fails
            return -errno.EIO

    def destroy(self, _private_data: Any) -> int:
        self.operations.destroy()
        return 0

    def readlink(self, path: bytes, buffer: Any, size: int) -> int:
        target = self.operations.readlink(path.decode()).encode()
        if not target or b"\0" in target:
            raise BadResultError("a link target is empty or holds a NUL")
        # readlink(2) cuts, and the kernel's buffer needs room for the end.
        data = target[: size - 1] + b"\0"
        ctypes.memmove(buffer, data, len(data))
        return 0

    def mknod(self, path: bytes, mode: int, device: int) -> int:
        self.operations.mknod(path.decode(), mode, device)
        return 0

    def mkdir(self, path: bytes, mode: int) -> int:
        self.operations.mkdir(path.decode(), mode)
        return 0

    def unlink(self, path: bytes) -> int:
        self.operations.unlink(path.decode())
        return 0

    def rmdir(self, path: bytes) -> int:
        self.operations.rmdir(path.decode())
        return 0

    def symlink(self, target: bytes, path: bytes) -> int:
        self.operations.symlink(path.decode(), target.decode())
        return 0

    def link(self, target: bytes, path: bytes) -> int:
        self.operations.link(path.decode(), target.decode())
        return 0

    def open(self, path: bytes, info: Any) -> int:
        reply = info.contents
        opened = self.operations.open(path.decode(), reply.flags)
        reply.fh = opened.handle
        reply.keep_cache = opened.keep_cache
        reply.direct_io = opened.direct_io
        return 0

    def create(self, path: bytes, mode: int, info: Any) -> int:
        reply = info.contents
        opened = self.operations.create(path.decode(), mode, reply.flags)
        reply.fh = opened.handle
        reply.keep_cache = opened.keep_cache
        return 0

    def read(self, _path: bytes | None, buffer: Any, size: int, offset: int, info: Any) -> int:
        view = _view_of_memory(buffer, size, _MAX_WRITE_TYPE)
        count = self.operations.read(info.contents.fh, view, offset)
        if type(count) is not int or not 0 <= count <= size:
            raise BadResultError(f"read returned {count!r} of {size} bytes")
        return count

    def write(self, _path: bytes | None, data: Any, size: int, offset: int, info: Any) -> int:
        view = _view_of_memory(data, size, _READ_ONLY)
        count = self.operations.write(info.contents.fh, view, offset)
        if type(count) is not int or not 0 <= count <= size:
            raise BadResultError(f"write returned {count!r} of {size} bytes")
        return count

    def statfs(self, path: bytes, buffer: Any) -> int:
        result = buffer.contents
        for name, value in self.operations.statfs(path.decode()).items():
            setattr(result, name, value)
        return 0

    def flush(self, _path: bytes | None, info: Any) -> int:
        self.operations.flush(info.contents.fh)
        return 0

    def release(self, _path: bytes | None, info: Any) -> int:
        self.operations.release(info.contents.fh)
        return 0

    def fsync(self, _path: bytes | None, _data_only: int, info: Any) -> int:
        self.operations.fsync(info.contents.fh)
        return 0

    def setxattr(self, path: bytes, name: bytes, value: Any, size: int, flags: int) -> int:
        data = ctypes.string_at(value, size)
        self.operations.setxattr(path.decode(), name.decode(), data, flags)
        return 0

    def getxattr(self, path: bytes, name: bytes, buffer: Any, size: int) -> int:
        return _answer(self.operations.getxattr(path.decode(), name.decode()), buffer, size)

    def listxattr(self, path: bytes, buffer: Any, size: int) -> int:
        names = self.operations.listxattr(path.decode())
        return _answer(b"".join(name.encode() + b"\0" for name in names), buffer, size)

    def removexattr(self, path: bytes, name: bytes) -> int:
        self.operations.removexattr(path.decode(), name.decode())
        return 0

    def opendir(self, path: bytes, info: Any) -> int:
        info.contents.fh = self.operations.opendir(path.decode())
        return 0

    def releasedir(self, _path: bytes | None, info: Any) -> int:
        self.operations.releasedir(info.contents.fh)
        return 0

    def access(self, path: bytes, mode: int) -> int:
        self.operations.access(path.decode(), mode)
        return 0

    def _fill_attributes(self, path: bytes | None, buffer: Any, info: Any) -> int:
        handle = info.contents.fh if info else None
        name = None if path is None else path.decode()
        found = self.operations.getattr(name, handle)
        ctypes.memset(buffer, 0, ctypes.sizeof(self.structures.c_stat))
        _fill(buffer.contents, found)
        return 0

    def _set_times(self, path: bytes, times: Any) -> int:
        if not times:
            self.operations.utimens(path.decode(), time.time_ns())
            return 0
        modified = times.contents.modtime
        if modified.tv_nsec == _UTIME_OMIT:
            return 0
        if modified.tv_nsec == _UTIME_NOW:
            self.operations.utimens(path.decode(), time.time_ns())
            return 0
        moment = modified.tv_sec * _NANOSECONDS + modified.tv_nsec
        self.operations.utimens(path.decode(), moment)
        return 0

    def _change_owner(self, path: bytes, uid: int, gid: int) -> int:
        self.operations.chown(
            path.decode(), ctypes.c_int32(uid).value, ctypes.c_int32(gid).value
        )
        return 0


class Libfuse2Calls(KernelCalls):
    """The callbacks with the names and arguments of libfuse 2."""

    def init(self, _connection: Any) -> int:
        self.operations.init()
        return 0

    def getattr(self, path: bytes, buffer: Any) -> int:
        return self._fill_attributes(path, buffer, None)

    def fgetattr(self, path: bytes | None, buffer: Any, info: Any) -> int:
        return self._fill_attributes(path, buffer, info)

    def truncate(self, path: bytes, length: int) -> int:
        self.operations.truncate(path.decode(), length, None)
        return 0

    def ftruncate(self, path: bytes | None, length: int, info: Any) -> int:
        name = None if path is None else path.decode()
        self.operations.truncate(name, length, info.contents.fh)
        return 0

    def rename(self, old: bytes, new: bytes) -> int:
        self.operations.rename(old.decode(), new.decode(), 0)
        return 0

    def chmod(self, path: bytes, mode: int) -> int:
        self.operations.chmod(path.decode(), mode)
        return 0

    def chown(self, path: bytes, uid: int, gid: int) -> int:
        return self._change_owner(path, uid, gid)

    def utimens(self, path: bytes, times: Any) -> int:
        return self._set_times(path, times)

    def readdir(
        self, _path: bytes | None, buffer: Any, fill: Any, _offset: int, info: Any
    ) -> int:
        """The whole listing at once: libfuse keeps it until the directory is closed.

        Of the attributes libfuse 2 passes on the type alone.
        """
        shown = {
            kind: self._of_type(kind) for kind in (stat.S_IFDIR, stat.S_IFREG, stat.S_IFLNK)
        }
        for dots in _ROOT_NAMES:
            fill(buffer, dots, shown[stat.S_IFDIR], 0)
        for name, attributes in self.operations.readdir(info.contents.fh, 0):
            if fill(buffer, name.encode(), shown[stat.S_IFMT(attributes.mode)], 0):
                raise MemoryError("libfuse can't hold the listing")
        return 0

    def _of_type(self, kind: int) -> Any:
        result = self.structures.c_stat()
        result.st_mode = kind
        return result


class Libfuse3Calls(KernelCalls):
    """The callbacks with the names and arguments of libfuse 3, as mfusepy looks for them."""

    def init_fuse_3(self, connection: Any, config: Any) -> int:
        settings = config.contents
        settings.nullpath_ok = 1
        # As mount options these two are unknown to libfuse 3.
        connection.contents.max_background = MAX_BACKGROUND
        connection.contents.congestion_threshold = MAX_BACKGROUND
        self.operations.init()
        return 0

    def getattr_fuse_3(self, path: bytes | None, buffer: Any, info: Any) -> int:
        return self._fill_attributes(path, buffer, info)

    def truncate_fuse_3(self, path: bytes | None, length: int, info: Any) -> int:
        name = None if path is None else path.decode()
        self.operations.truncate(name, length, info.contents.fh if info else None)
        return 0

    def rename_fuse_3(self, old: bytes, new: bytes, flags: int) -> int:
        self.operations.rename(old.decode(), new.decode(), flags)
        return 0

    def chmod_fuse_3(self, path: bytes, mode: int, _info: Any) -> int:
        self.operations.chmod(path.decode(), mode)
        return 0

    def chown_fuse_3(self, path: bytes, uid: int, gid: int, _info: Any) -> int:
        return self._change_owner(path, uid, gid)

    def utimens_fuse_3(self, path: bytes, times: Any, _info: Any) -> int:
        return self._set_times(path, times)

    def readdir_fuse_3(
        self,
        _path: bytes | None,
        buffer: Any,
        fill: Any,
        offset: int,
        info: Any,
        _flags: int,
    ) -> int:
        """The listing from an offset on, with all attributes, until the kernel's page is full.

        The offset of an entry is its place plus 1, after the two names every folder has:
        libfuse 3.14 drops the attributes of entries with offset 0.
        """
        handle = info.contents.fh
        place = offset
        result = self.structures.c_stat()
        for dots in _ROOT_NAMES[offset:]:
            place += 1
            _fill(result, self.operations.directory_attributes(handle))
            if fill(buffer, dots, result, place, 0):
                return 0
        entries = self.operations.readdir(handle, max(0, offset - len(_ROOT_NAMES)))
        for name, attributes in entries:
            place += 1
            _fill(result, attributes)
            if fill(buffer, name.encode(), result, place, _FILL_DIR_PLUS):
                return 0
        return 0


MAX_BACKGROUND: Final = 64


def _fill(result: Any, found: FileAttributes) -> None:
    """Write the attributes into a zeroed or reused `struct stat`."""
    result.st_mode = found.mode
    result.st_nlink = found.links
    result.st_uid = found.uid
    result.st_gid = found.gid
    result.st_size = found.size
    result.st_blksize = found.block_bytes
    result.st_blocks = found.blocks
    modified, changed = result.st_mtimespec, result.st_ctimespec
    modified.tv_sec, modified.tv_nsec = divmod(found.mtime_ns, _NANOSECONDS)
    changed.tv_sec, changed.tv_nsec = divmod(found.ctime_ns, _NANOSECONDS)
    accessed = result.st_atimespec
    accessed.tv_sec, accessed.tv_nsec = modified.tv_sec, modified.tv_nsec


def _answer(value: bytes, buffer: Any, size: int) -> int:
    """The protocol of extended attributes: size 0 asks for the length, too small is ERANGE."""
    if size == 0 or not buffer:
        return len(value)
    if len(value) > size:
        raise OSError(errno.ERANGE, os.strerror(errno.ERANGE))
    ctypes.memmove(buffer, value, len(value))
    return len(value)
