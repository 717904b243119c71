"""From a node to the `st_*` values that the kernel shows."""

import grp
import os
import pwd
from functools import lru_cache
from typing import Final, NamedTuple

from vofs.filesystem.mode_bits import mode_of
from vospace_model.api import Entry
from vospace_model.nodes import NodeType

# What stat(2) counts blocks in, whatever st_blksize says.
_BLOCK_BYTES: Final = 512
# Programs read that much where they want less (buffered files of Python and C do), so a
# large number makes a header of 2,880 bytes cost a megabyte; cp asks for more by itself.
_PREFERRED_IO_BYTES: Final = 4096


class FileAttributes(NamedTuple):
    """What stat(2) returns; times in nanoseconds.

    A tuple, as one is made for every line of `ls -l` and a frozen dataclass takes ten times
    as long to make.
    """

    mode: int
    links: int
    uid: int
    gid: int
    size: int
    blocks: int
    block_bytes: int
    mtime_ns: int
    ctime_ns: int

    def with_size(self, size: int) -> "FileAttributes":
        """The same of another size."""
        return self._replace(size=size, blocks=-(-size // _BLOCK_BYTES))


class AttributeMapper:
    """Knows who mounts; everything of the caller's own belongs to that user here."""

    def __init__(
        self, *, caller: str | None, uid: int | None = None, gid: int | None = None
    ) -> None:
        self._caller = caller
        self._uid = os.getuid() if uid is None else uid
        self._gid = os.getgid() if gid is None else gid

    @property
    def owner(self) -> tuple[int, int]:
        """The user and group that the mounting user's own nodes are shown with."""
        return self._uid, self._gid

    def attributes(self, entry: Entry) -> FileAttributes:
        """The attributes of a node; a folder's size is what is in it, recursively."""
        uid, gid = self._uid, self._gid
        if entry.owner != self._caller:
            uid = _uid_of(entry.owner, self._uid)
        groups = entry.write_groups or entry.read_groups
        if groups:
            gid = _gid_of(groups[0], self._gid)
        size = entry.length
        # du(1) adds up blocks: those of what is in a folder are its files' own.
        occupied = 0 if entry.type is NodeType.CONTAINER else size
        if entry.type is NodeType.LINK:
            size = len((entry.target or "").encode())
        return FileAttributes(
            mode_of(entry),
            2 if entry.type is NodeType.CONTAINER else 1,
            uid,
            gid,
            size,
            -(-occupied // _BLOCK_BYTES),
            _PREFERRED_IO_BYTES,
            entry.mtime_ns,
            entry.ctime_ns,
        )


@lru_cache(maxsize=1024)
def _uid_of(name: str, default: int) -> int:
    """The local user of that name; a node's owner need not have an account here."""
    try:
        return pwd.getpwnam(name).pw_uid
    except (KeyError, ValueError):
        return default


@lru_cache(maxsize=1024)
def _gid_of(group_uri: str, default: int) -> int:
    """The local group named as the last part of the group's URI."""
    name = group_uri.rpartition("?")[2]
    try:
        return grp.getgrnam(name).gr_gid
    except (KeyError, ValueError):
        return default
