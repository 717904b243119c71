"""The bytes of a tar archive around those of its files (POSIX.1-2001, written by `tarfile`)."""

import tarfile
from typing import Final

from vospace_server.domain.archive_entries import ArchiveEntry, EntryKind

_BLOCK: Final = tarfile.BLOCKSIZE
_TYPES: Final = {
    EntryKind.FOLDER: (tarfile.DIRTYPE, 0o755),
    EntryKind.FILE: (tarfile.REGTYPE, 0o644),
    EntryKind.LINK: (tarfile.SYMTYPE, 0o777),
}

TAR_END: Final = bytes(2 * _BLOCK)
"""Two empty blocks. `tar` pads to 10 KiB for tape drives; CADC's suite wants an empty archive
to have 1024 bytes, and no reader minds."""


def tar_header(entry: ArchiveEntry) -> bytes:
    """The header of an entry; long names and sizes are in extended headers before it."""
    info = tarfile.TarInfo(entry.name)
    info.type, info.mode = _TYPES[entry.kind]
    info.mtime = entry.mtime
    info.size = entry.length if entry.kind is EntryKind.FILE else 0
    info.linkname = entry.target
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def tar_padding(length: int) -> bytes:
    """What fills the last block of a file."""
    return bytes(-length % _BLOCK)


def tar_entry_length(entry: ArchiveEntry) -> int:
    """The bytes of an entry in all."""
    length = entry.length if entry.kind is EntryKind.FILE else 0
    return len(tar_header(entry)) + length + len(tar_padding(length))
