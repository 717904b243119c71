"""The bytes of a zip archive around those of its files (PKWARE's APPNOTE 6.3, stored).

Ours because what writes zip files (`zipfile`, `zipstream-ng`) either seeks or knows neither
times nor links for bytes from a stream, and holds a record for each file in memory. Nothing is
compressed, so that every length is known before the first byte; FITS files are large and
numbers compress little.
"""

import struct
from datetime import UTC, datetime
from typing import Final

from vospace_server.domain.archive_entries import ArchiveEntry, EntryKind

_LOCAL: Final = struct.Struct("<4s5H3L2H")
_CENTRAL: Final = struct.Struct("<4s2B5H3L5H2L")
_END: Final = struct.Struct("<4s4H2LH")
_END_64: Final = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64: Final = struct.Struct("<4sLQL")
_DESCRIPTOR: Final = struct.Struct("<4s3L")
_DESCRIPTOR_64: Final = struct.Struct("<4sL2Q")
_TIME_EXTRA: Final = struct.Struct("<2HBl")
_SIZES_EXTRA: Final = struct.Struct("<2H2Q")

# Numbers from here on stand in the fields of the 64-bit extension.
_LIMIT_16: Final = 0xFFFF
_LIMIT_32: Final = 0xFFFFFFFF
_VERSION: Final = 20
_VERSION_64: Final = 45
_UNIX: Final = 3
_UTF8_NAME: Final = 1 << 11
# Checksum and sizes follow the bytes.
_DESCRIBED_AFTER: Final = 1 << 3
_IS_FOLDER: Final = 0x10
_MODES: Final = {
    EntryKind.FOLDER: (0o040755 << 16) | _IS_FOLDER,
    EntryKind.FILE: 0o100644 << 16,
    EntryKind.LINK: 0o120777 << 16,
}
_TIME_EXTRA_ID: Final = 0x5455
_SIZES_EXTRA_ID: Final = 1
_FIRST_YEAR: Final = 1980
_LAST_YEAR: Final = 2107
_TIME_LIMIT: Final = 1 << 31


def zip_header(entry: ArchiveEntry, crc: int) -> bytes:
    """The header before the bytes of an entry; `crc` counts for folders and links alone."""
    name, extra, size = _name(entry), _time_extra(entry), 0
    if _is_large(entry.length):
        extra = _SIZES_EXTRA.pack(_SIZES_EXTRA_ID, 16, 0, 0) + extra
        size = _LIMIT_32
    if entry.kind is EntryKind.LINK:
        size = len(stored_link(entry))
    return (
        _LOCAL.pack(
            b"PK\x03\x04",
            _version(entry),
            _flags(entry),
            0,
            *_dos_time(entry.mtime),
            0 if entry.kind is EntryKind.FILE else crc,
            size,
            size,
            len(name),
            len(extra),
        )
        + name
        + extra
    )


def zip_descriptor(entry: ArchiveEntry, crc: int) -> bytes:
    """What follows the bytes of a file."""
    if entry.kind is not EntryKind.FILE:
        return b""
    layout = _DESCRIPTOR_64 if _is_large(entry.length) else _DESCRIPTOR
    return layout.pack(b"PK\x07\x08", crc, entry.length, entry.length)


def zip_directory_record(entry: ArchiveEntry, crc: int, offset: int) -> bytes:
    """The entry's line in the directory at the end; `offset` is where its header begins."""
    name, size = _name(entry), _stored_length(entry)
    wide = [value for value in (size, size, offset) if value >= _LIMIT_32]
    extra = struct.pack(f"<2H{len(wide)}Q", _SIZES_EXTRA_ID, 8 * len(wide), *wide)
    extra = (extra if wide else b"") + _time_extra(entry)
    return (
        _CENTRAL.pack(
            b"PK\x01\x02",
            _VERSION_64 if wide else _version(entry),
            _UNIX,
            _VERSION_64 if wide else _version(entry),
            _flags(entry),
            0,
            *_dos_time(entry.mtime),
            crc,
            min(size, _LIMIT_32),
            min(size, _LIMIT_32),
            len(name),
            len(extra),
            0,
            0,
            0,
            _MODES[entry.kind],
            min(offset, _LIMIT_32),
        )
        + name
        + extra
    )


def zip_end(count: int, directory_length: int, directory_offset: int) -> bytes:
    """The end of an archive of `count` entries."""
    wide = b""
    if (
        count >= _LIMIT_16
        or directory_length >= _LIMIT_32
        or directory_offset + directory_length >= _LIMIT_32
    ):
        wide = _END_64.pack(
            b"PK\x06\x06", _END_64.size - 12, (_UNIX << 8) | _VERSION_64, _VERSION_64, 0, 0,
            count, count, directory_length, directory_offset,
        )  # fmt: skip
        wide += _LOCATOR_64.pack(b"PK\x06\x07", 0, directory_offset + directory_length, 1)
    few = min(count, _LIMIT_16)
    return wide + _END.pack(
        b"PK\x05\x06", 0, 0, few, few, min(directory_length, _LIMIT_32),
        min(directory_offset, _LIMIT_32), 0,
    )  # fmt: skip


def stored_link(entry: ArchiveEntry) -> bytes:
    """The bytes of a symbolic link: where it leads."""
    return entry.target.encode()


def zip_entry_length(entry: ArchiveEntry) -> int:
    """The bytes of an entry before the directory."""
    return len(zip_header(entry, 0)) + _stored_length(entry) + len(zip_descriptor(entry, 0))


def _stored_length(entry: ArchiveEntry) -> int:
    return len(stored_link(entry)) if entry.kind is EntryKind.LINK else entry.length


def _is_large(length: int) -> bool:
    return length >= _LIMIT_32


def _version(entry: ArchiveEntry) -> int:
    return _VERSION_64 if _is_large(entry.length) else _VERSION


def _flags(entry: ArchiveEntry) -> int:
    flags = 0 if entry.name.isascii() else _UTF8_NAME
    return flags | _DESCRIBED_AFTER if entry.kind is EntryKind.FILE else flags


def _name(entry: ArchiveEntry) -> bytes:
    return f"{entry.name}/".encode() if entry.kind is EntryKind.FOLDER else entry.name.encode()


def _time_extra(entry: ArchiveEntry) -> bytes:
    """The time to the second and in UTC, which the old fields don't say."""
    if not -_TIME_LIMIT <= entry.mtime < _TIME_LIMIT:
        return b""
    return _TIME_EXTRA.pack(_TIME_EXTRA_ID, 5, 1, entry.mtime)


def _dos_time(mtime: int) -> tuple[int, int]:
    """Time and date as MS-DOS counted them, within the years that it knew."""
    earliest = int(datetime(_FIRST_YEAR, 1, 1, tzinfo=UTC).timestamp())
    latest = int(datetime(_LAST_YEAR, 12, 31, 23, 59, 58, tzinfo=UTC).timestamp())
    at = datetime.fromtimestamp(min(max(mtime, earliest), latest), UTC)
    time = (at.hour << 11) | (at.minute << 5) | (at.second // 2)
    date = ((at.year - _FIRST_YEAR) << 9) | (at.month << 5) | at.day
    return time, date
