"""One short method per call of the kernel: paths and flags in, the file system's answer out.

The names are libfuse's, as the binding registers a callback for each that is not None.
Everything may raise; the binding turns what is raised into an errno.
"""

# ruff: noqa: D402 -- the first lines name system calls, not the functions

import functools
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from vofs.filesystem.aliases import is_alias
from vofs.filesystem.errors import (
    NameTooLong,
    NotHeldByVospace,
    OutsideMount,
    ReadOnlyMount,
)
from vofs.filesystem.filesystem import FileSystem
from vofs.filesystem.open_files import Opened, OpenMode
from vofs.kernel.attributes import AttributeMapper, FileAttributes
from vofs.kernel.callers import UNKNOWN, Callers
from vospace_model.api import Entry
from vospace_model.faults import InvalidURI
from vospace_model.nodes import NodeType
from vospace_model.uris import MAX_NAME_BYTES, NodePath

_BLOCK_BYTES: Final = 4096
# What is shown as free where nothing limits: 8 EiB would overflow some programs.
_UNLIMITED_BYTES: Final = 1 << 50
_UNLIMITED_FILES: Final = 1 << 40
_XATTR_CREATE: Final = 1
_XATTR_REPLACE: Final = 2

DirectoryEntry = tuple[str, FileAttributes]


class Operations:
    """The calls. Paths are absolute below the mountpoint; None where only the handle counts."""

    # Times are nanoseconds; utimens is told of UTIME_OMIT; reads and writes of a file that
    # was removed while open come without a path.
    use_ns = True
    flag_nullpath_ok = 1
    flag_utime_omit_ok = 1
    # The kernel keeps locks of one machine by itself, and maps no blocks.
    lock = None
    flock = None
    bmap = None
    ioctl = None
    fsyncdir = None

    def __init__(
        self,
        filesystem: FileSystem,
        attributes: AttributeMapper,
        *,
        root: NodePath,
        callers: Callers,
        is_detaching: Callable[[NodePath, NodePath], bool],
        on_start: Callable[[], None],
        on_stop: Callable[[], None],
    ) -> None:
        self._filesystem = filesystem
        self._attributes = attributes
        self._root = root.names
        self._callers = callers
        self._is_detaching = is_detaching
        self._on_start = on_start
        self._on_stop = on_stop

    def init(self) -> None:
        """The kernel has mounted us; only now may threads be started."""
        self._on_start()

    def destroy(self) -> None:
        """The mount is gone."""
        self._on_stop()

    def getattr(self, path: str | None, handle: int | None) -> FileAttributes:
        """stat(2) and fstat(2)."""
        if path is None:
            return self._attributes.attributes(
                self._filesystem.access.entry_of_handle(handle or 0)
            )
        node = self._node(path)
        return self._attributes_at(node, self._filesystem.entry(node))

    def access(self, path: str, mode: int) -> None:
        """access(2): the service decides when something is done, so only "ro" is known now."""
        del path
        if mode & os.W_OK and self._filesystem.read_only:
            raise ReadOnlyMount("the mount is read-only")

    def readlink(self, path: str) -> str:
        """readlink(2)."""
        return self._filesystem.link_target(self._node(path))

    def opendir(self, path: str) -> int:
        """opendir(3): the listing is taken when it is first read."""
        return self._filesystem.open_container(self._node(path))

    def readdir(self, handle: int, offset: int) -> Iterator[DirectoryEntry]:
        """The entries from an offset on; 0 lists anew, as rewinddir(3) wants."""
        entries = self._filesystem.listing(handle, renew=offset == 0)
        folder = self._filesystem.path_of_handle(handle)
        return ((entry.name, self._attributes_in(folder, entry)) for entry in entries[offset:])

    def directory_attributes(self, handle: int) -> FileAttributes:
        """The attributes for `.` in a listing."""
        return self._attributes.attributes(self._filesystem.container_of_handle(handle))

    def releasedir(self, handle: int) -> None:
        """closedir(3)."""
        self._filesystem.close_container(handle)

    def open(self, path: str, flags: int) -> Opened:
        """open(2) of a file that exists."""
        return self._filesystem.access.open(self._node(path), self._mode_of(flags))

    def create(self, path: str, mode: int, flags: int) -> Opened:
        """open(2) with O_CREAT; a new file is as private as its folder, whatever the umask."""
        del mode
        return self._filesystem.access.create(self._node(path), self._mode_of(flags))

    def read(self, handle: int, buffer: memoryview, offset: int) -> int:
        """read(2) into the kernel's own buffer; how many bytes."""
        return self._filesystem.access.read_into(handle, buffer, offset)

    def write(self, handle: int, data: memoryview, offset: int) -> int:
        """write(2): how many bytes. They are the kernel's own memory, not to be kept."""
        return self._filesystem.access.write(handle, data, offset)

    def truncate(self, path: str | None, length: int, handle: int | None) -> None:
        """truncate(2) and ftruncate(2)."""
        node = None if path is None else self._node(path)
        self._filesystem.access.truncate(node, length, handle)

    def flush(self, handle: int) -> None:
        """close(2) of one of perhaps several descriptors; its errors reach the program."""
        self._filesystem.access.closing(handle, by=self._callers.process)

    def fsync(self, handle: int) -> None:
        """fsync(2): the service has the bytes when this returns."""
        self._filesystem.access.flush(handle)

    def release(self, handle: int) -> None:
        """The last descriptor is closed."""
        self._filesystem.access.release(handle)

    def mkdir(self, path: str, mode: int) -> None:
        """mkdir(2)."""
        del mode
        self._filesystem.make_container(self._node(path))

    def rmdir(self, path: str) -> None:
        """rmdir(2)."""
        self._filesystem.remove_container(self._node(path))

    def unlink(self, path: str) -> None:
        """unlink(2) of a file or link."""
        self._filesystem.remove(self._node(path))

    def rename(self, old: str, new: str, flags: int) -> None:
        """rename(2), renameat2(2), and what libfuse and we use it for (aliases.py)."""
        source, destination = self._node(old), self._node(new)
        if is_alias(destination.name):
            if not self._is_detaching(source, destination):
                purpose = self._callers.purpose_of_hiding()
                self._filesystem.hide(source, destination, purpose)
            return
        self._filesystem.rename(source, destination, flags=flags)

    def symlink(self, path: str, target: str) -> None:
        """symlink(2): a link node."""
        self._filesystem.make_link(self._node(path), target)

    def link(self, path: str, target: str) -> None:
        """link(2)."""
        del path, target
        raise NotHeldByVospace("a VOSpace has no hard links")

    def mknod(self, path: str, mode: int, device: int) -> None:
        """mknod(2): ordinary files only."""
        del device
        if not stat.S_ISREG(mode):
            raise NotHeldByVospace("a VOSpace has no devices, pipes or sockets")
        opened = self._filesystem.access.create(
            self._node(path), self._mode_of(os.O_WRONLY | os.O_EXCL)
        )
        try:
            self._filesystem.access.settle(opened.handle)
        finally:
            self._filesystem.access.release(opened.handle)

    def chmod(self, path: str, mode: int) -> None:
        """chmod(2)."""
        self._filesystem.change_mode(self._node(path), stat.S_IMODE(mode))

    def chown(self, path: str, uid: int, gid: int) -> None:
        """chown(2): only to the owner that is shown already (-1 leaves one as it is)."""
        shown = self._attributes.attributes(self._filesystem.entry(self._node(path)))
        if uid not in {-1, shown.uid} or gid not in {-1, shown.gid}:
            raise NotHeldByVospace("owners are changed at the service, not by chown")

    def utimens(self, path: str, mtime_ns: int) -> None:
        """utimensat(2); a VOSpace keeps no time of access."""
        self._filesystem.set_mtime(self._node(path), mtime_ns)

    def statfs(self, path: str) -> dict[str, int]:
        """statvfs(3), from the quota."""
        report = self._filesystem.room(self._node(path))
        available = _UNLIMITED_BYTES if report.available is None else report.available
        total = report.used + available
        return {
            "f_bsize": _BLOCK_BYTES,
            "f_frsize": _BLOCK_BYTES,
            "f_blocks": -(-total // _BLOCK_BYTES),
            "f_bfree": available // _BLOCK_BYTES,
            "f_bavail": available // _BLOCK_BYTES,
            "f_files": report.files + _UNLIMITED_FILES,
            "f_ffree": _UNLIMITED_FILES,
            "f_favail": _UNLIMITED_FILES,
            "f_namemax": MAX_NAME_BYTES,
        }

    def getxattr(self, path: str, name: str) -> bytes:
        """getxattr(2)."""
        return self._filesystem.xattrs.get(self._node(path), name)

    def listxattr(self, path: str) -> list[str]:
        """listxattr(2)."""
        return self._filesystem.xattrs.names(self._node(path))

    def setxattr(self, path: str, name: str, value: bytes, flags: int) -> None:
        """setxattr(2)."""
        self._filesystem.xattrs.set(
            self._node(path),
            name,
            value,
            create=bool(flags & _XATTR_CREATE),
            replace=bool(flags & _XATTR_REPLACE),
        )

    def removexattr(self, path: str, name: str) -> None:
        """removexattr(2)."""
        self._filesystem.xattrs.remove(self._node(path), name)

    def _attributes_in(self, folder: NodePath, entry: Entry) -> FileAttributes:
        if entry.type is not NodeType.LINK:
            return self._attributes.attributes(entry)
        return self._attributes_at(folder.child(entry.name), entry)

    def _attributes_at(self, path: NodePath, entry: Entry) -> FileAttributes:
        """The attributes of a node; the size of a link is that of what readlink(2) gives."""
        found = self._attributes.attributes(entry)
        if entry.type is not NodeType.LINK:
            return found
        try:
            size = len(self._filesystem.shown_target(path, entry).encode())
        except OutsideMount:
            # Nobody can follow it, but it is there and can be removed.
            return found
        return found.with_size(size)

    def _node(self, path: str) -> NodePath:
        if path == "/":
            return NodePath(self._root)
        names = path[1:].split("/")
        try:
            return NodePath((*self._root, *names))
        except InvalidURI:
            if any(len(name.encode()) > MAX_NAME_BYTES for name in names):
                raise NameTooLong(f"a name has more than {MAX_NAME_BYTES} bytes") from None
            raise

    def _mode_of(self, flags: int) -> OpenMode:
        mode = _mode_of_flags(flags)
        return replace(mode, opener=self._callers.process()) if mode.writable else mode


@functools.lru_cache(maxsize=128)
def _mode_of_flags(flags: int) -> OpenMode:
    """What the flags of open(2) say; of whoever opens they know nothing."""
    access = flags & os.O_ACCMODE
    return OpenMode(
        readable=access in {os.O_RDONLY, os.O_RDWR},
        writable=access in {os.O_WRONLY, os.O_RDWR},
        truncate=bool(flags & os.O_TRUNC),
        exclusive=bool(flags & os.O_EXCL),
        opener=UNKNOWN,
    )
