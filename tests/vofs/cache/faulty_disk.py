"""A disk that fails on demand: a FUSE loopback, run as `faulty_disk.py BACKING MOUNTPOINT`.

While the file `fault` lies beside the backing folder, every call that its first word names
("reads", "writes" or "all") fails with the errno that its second word is. Stopped by SIGSTOP,
it is a disk that hangs.
"""

import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fuse import FUSE

READS = frozenset({"read", "getattr", "open", "readdir", "statfs"})
WRITES = frozenset(
    {"write", "create", "truncate", "mkdir", "rename", "link", "unlink", "rmdir", "utimens"}
)


class FuseError(OSError):
    """What the binding turns into an errno."""


class FaultyDisk:
    """The calls that a cache needs, on a folder of a healthy disk."""

    use_ns = True
    access = None
    flush = None
    fsync = None

    def __init__(self, backing: Path) -> None:
        self._backing = backing
        self._fault = backing.parent / "fault"

    def __call__(self, operation: str, *arguments: Any) -> Any:
        """Every call comes through here."""
        try:
            kind, code = self._fault.read_text(encoding="ascii").split()
        except (FileNotFoundError, ValueError):
            kind, code = "none", "0"
        named = {"reads": READS, "writes": WRITES, "all": READS | WRITES}.get(kind, frozenset())
        if operation in named:
            raise FuseError(int(code), os.strerror(int(code)))
        if not hasattr(self, "on_" + operation):
            raise FuseError(errno.ENOSYS, operation)
        call: Callable[..., Any] = getattr(self, "on_" + operation)
        return call(*arguments)

    def __getattr__(self, name: str) -> Any:
        """The binding registers what it finds."""
        if name.startswith("on_") or not hasattr(type(self), "on_" + name):
            raise AttributeError(name)
        return True

    def at(self, path: str) -> Path:
        return self._backing / path.lstrip("/")

    def on_init(self, _path: str) -> None:
        return

    def on_destroy(self, _path: str) -> None:
        return

    def on_getattr(self, path: str, _handle: int | None = None) -> dict[str, int]:
        status = self.at(path).lstat()
        names = ("st_mode", "st_nlink", "st_uid", "st_gid", "st_size", "st_blocks")
        values = {name: getattr(status, name) for name in names}
        times = {f"st_{kind}time": getattr(status, f"st_{kind}time_ns") for kind in "amc"}
        return values | times

    def on_readdir(self, path: str, _handle: int) -> list[str]:
        return [".", "..", *(entry.name for entry in self.at(path).iterdir())]

    def on_mkdir(self, path: str, mode: int) -> None:
        self.at(path).mkdir(mode)

    def on_rmdir(self, path: str) -> None:
        self.at(path).rmdir()

    def on_unlink(self, path: str) -> None:
        self.at(path).unlink()

    def on_rename(self, old: str, new: str) -> None:
        self.at(old).rename(self.at(new))

    def on_link(self, target: str, source: str) -> None:
        self.at(target).hardlink_to(self.at(source))

    def on_utimens(self, path: str, times: tuple[int, int]) -> None:
        os.utime(self.at(path), ns=times)

    def on_open(self, path: str, flags: int) -> int:
        return os.open(self.at(path), flags)

    def on_create(self, path: str, mode: int) -> int:
        return os.open(self.at(path), os.O_RDWR | os.O_CREAT | os.O_TRUNC, mode)

    def on_read(self, _path: str, size: int, offset: int, handle: int) -> bytes:
        return os.pread(handle, size, offset)

    def on_write(self, _path: str, data: bytes, offset: int, handle: int) -> int:
        return os.pwrite(handle, data, offset)

    def on_truncate(self, path: str, length: int, _handle: int | None = None) -> None:
        os.truncate(self.at(path), length)

    def on_release(self, _path: str, handle: int) -> None:
        os.close(handle)

    def on_statfs(self, path: str) -> dict[str, int]:
        status = os.statvfs(self.at(path))
        names = ("f_bsize", "f_frsize", "f_blocks", "f_bfree", "f_bavail", "f_files", "f_ffree")
        return {name: getattr(status, name) for name in names}


def main() -> None:
    backing, mountpoint = sys.argv[1:]
    FUSE(FaultyDisk(Path(backing)), mountpoint, foreground=True, big_writes=True)


if __name__ == "__main__":
    main()
