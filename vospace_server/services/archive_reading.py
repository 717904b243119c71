"""Reading archives that somebody sent: tar, gzipped tar and zip, with no trust in any of it.

The members are read from the start to the end, as often as wanted. No header is believed to be
small: whatever is read at once is bounded here.
"""

import gzip
import io
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Final

from typing_extensions import override

from vospace_model.faults import InvalidData
from vospace_model.views import ViewUri
from vospace_server.domain.archive_entries import EntryKind
from vospace_server.domain.archive_inventory import MAX_MEMBERS, ArchiveMember

# Extended headers of honest archives are some kilobytes; chunks of files are 1 MiB.
_MAX_READ: Final = 4 << 20
# `tar` fills its last block of usually 10 KiB.
_MAX_PADDING: Final = 1 << 20
_MAX_LINK_TARGET: Final = 4096
# A line of a zip's directory: 46 bytes, a name, and some extra fields.
_MAX_DIRECTORY_BYTES: Final = MAX_MEMBERS * 512
_END_LENGTH: Final = 22
_MAX_COMMENT: Final = 0xFFFF
_WIDE: Final = 0xFFFFFFFF
_TIME_EXTRA: Final = 0x5455
_TIME_EXTRA_LENGTH: Final = 5
_DAMAGE: Final = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    gzip.BadGzipFile,
    EOFError,
    struct.error,
    # What these libraries raise for unknown compressions, odd dates and names.
    NotImplementedError,
    RuntimeError,
    ValueError,
    OverflowError,
)

Opener = Callable[[], IO[bytes]]


@contextmanager
def damage_is_a_fault() -> Iterator[None]:
    """Within the block, an archive that can't be read is InvalidData with the reason."""
    try:
        yield
    except _DAMAGE as error:
        raise InvalidData(f"the archive can't be read: {str(error)[:200]}") from error


def members(view_uri: str, file: IO[bytes]) -> Iterator[tuple[ArchiveMember, Opener]]:
    """The members of an archive in order, each with what opens its bytes until the next one."""
    file.seek(0)
    if view_uri == ViewUri.ZIP:
        yield from _zip_members(file)
    elif view_uri == ViewUri.TAR_GZ:
        with gzip.GzipFile(fileobj=file, mode="rb") as unpacked:
            yield from _tar_members(unpacked)
    else:
        yield from _tar_members(file)


class _Careful(io.RawIOBase):
    """A file that is never read in larger pieces than anybody honest asks for."""

    def __init__(self, file: IO[bytes] | gzip.GzipFile) -> None:
        super().__init__()
        self._file = file

    @override
    def read(self, size: int = -1, /) -> bytes:
        if not 0 <= size <= _MAX_READ:
            raise InvalidData("the archive has a header that is too large")
        return self._file.read(size)

    @override
    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._file.seek(offset, whence)

    @override
    def tell(self) -> int:
        return self._file.tell()


def _tar_members(
    file: IO[bytes] | gzip.GzipFile,
) -> Iterator[tuple[ArchiveMember, Opener]]:
    careful = _Careful(file)
    with tarfile.open(fileobj=careful, mode="r:") as opened:
        ordinal = 0
        while (info := opened.next()) is not None:
            # The library would remember them all.
            vars(opened)["members"].clear()
            yield _tar_member(ordinal, info), _tar_opener(opened, info)
            ordinal += 1
        _check_end(careful, opened.offset)


def _check_end(careful: _Careful, offset: int) -> None:
    """The library takes a header that is cut off for the end, and reads no further."""
    careful.seek(offset)
    if careful.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise InvalidData("the archive is cut off or damaged")
    # gzip looks at its checksum at its end; that what follows is no bomb is looked at here.
    if len(careful.read(_MAX_PADDING)) == _MAX_PADDING:
        raise InvalidData("the archive goes on behind its end")


def _tar_opener(opened: tarfile.TarFile, info: tarfile.TarInfo) -> Opener:
    def open_member() -> IO[bytes]:
        part = opened.extractfile(info)
        assert part is not None, "only files are opened"
        return part

    return open_member


def _tar_member(ordinal: int, info: tarfile.TarInfo) -> ArchiveMember:
    kind, oddity = _tar_kind(info)
    return ArchiveMember(
        ordinal=ordinal,
        kind=kind,
        name=info.name,
        length=info.size if kind is EntryKind.FILE else 0,
        mtime=int(info.mtime),
        target=info.linkname if kind is EntryKind.LINK else "",
        oddity=oddity,
    )


def _tar_kind(info: tarfile.TarInfo) -> tuple[EntryKind | None, str]:
    if info.isdir():
        return EntryKind.FOLDER, ""
    if info.issym():
        return EntryKind.LINK, ""
    if info.islnk():
        return None, "a hard link"
    if info.issparse():
        return None, "a sparse file"
    if info.isreg():
        return EntryKind.FILE, ""
    return None, "a device or something else that is no file"


def _zip_members(file: IO[bytes]) -> Iterator[tuple[ArchiveMember, Opener]]:
    if _zip_directory_length(file) > _MAX_DIRECTORY_BYTES:
        raise InvalidData(f"the archive has more than {MAX_MEMBERS} entries")
    with zipfile.ZipFile(file) as opened:
        packed = 0
        for ordinal, info in enumerate(opened.infolist()):
            packed += info.compress_size
            # Entries that share their bytes make a bomb of a small archive.
            if packed > file.seek(0, 2):
                raise InvalidData("the archive's entries overlap")
            yield _zip_member(ordinal, opened, info), _zip_opener(opened, info)


def _zip_opener(opened: zipfile.ZipFile, info: zipfile.ZipInfo) -> Opener:
    return lambda: opened.open(info)


def _zip_member(ordinal: int, opened: zipfile.ZipFile, info: zipfile.ZipInfo) -> ArchiveMember:
    kind, oddity = _zip_kind(info)
    # Python puts slashes where backslashes were on Windows alone; the name as it stands counts.
    name = info.orig_filename.partition("\0")[0]
    target = ""
    if kind is EntryKind.LINK:
        if info.file_size > _MAX_LINK_TARGET:
            raise InvalidData("the archive has a link that is too long")
        target = opened.read(info).decode("utf-8", "replace")
    return ArchiveMember(
        ordinal=ordinal,
        kind=kind,
        name=name,
        length=info.file_size if kind is EntryKind.FILE else 0,
        mtime=_zip_time(info),
        target=target,
        oddity=oddity,
    )


def _zip_kind(info: zipfile.ZipInfo) -> tuple[EntryKind | None, str]:
    if info.flag_bits & 1:
        return None, "encrypted"
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind == stat.S_IFLNK:
        return EntryKind.LINK, ""
    if info.is_dir():
        return EntryKind.FOLDER, ""
    if kind in {0, stat.S_IFREG}:
        return EntryKind.FILE, ""
    return None, "a device or something else that is no file"


def _zip_time(info: zipfile.ZipInfo) -> int | None:
    """The time in UTC that some programs add; the zone of the other one is not known."""
    extra = info.extra
    while len(extra) >= struct.calcsize("<HH"):
        kind, length = struct.unpack_from("<HH", extra)
        if kind == _TIME_EXTRA and length >= _TIME_EXTRA_LENGTH and extra[4] & 1:
            seconds: int = struct.unpack_from("<l", extra, 5)[0]
            return seconds
        extra = extra[4 + length :]
    return None


def _zip_directory_length(file: IO[bytes]) -> int:
    """How long the directory says it is, which the library would read into memory at once."""
    end = file.seek(0, 2)
    start = max(0, end - _END_LENGTH - _MAX_COMMENT)
    file.seek(start)
    tail = file.read(end - start)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < _END_LENGTH:
        raise InvalidData("the archive is no zip file, or it is cut off")
    length: int = struct.unpack_from("<L", tail, at + 12)[0]
    if length < _WIDE:
        return length
    file.seek(max(0, start + at - 20 - 56))
    wide = file.read(56)
    if not wide.startswith(b"PK\x06\x06"):
        raise InvalidData("the archive is damaged at its end")
    wide_length: int = struct.unpack_from("<Q", wide, 40)[0]
    return wide_length
