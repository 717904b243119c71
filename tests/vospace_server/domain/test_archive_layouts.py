"""The bytes of archives, where files are too large or too many to be made in other tests."""

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from vospace_model.faults import InvalidArgument
from vospace_server.domain.archive_entries import (
    ArchiveEntry,
    ArchiveFormat,
    EntryKind,
    safe_name,
    unlike,
)
from vospace_server.domain.tar_layout import (
    TAR_END,
    tar_entry_length,
    tar_header,
    tar_padding,
)
from vospace_server.domain.zip_layout import (
    zip_descriptor,
    zip_directory_record,
    zip_end,
    zip_entry_length,
    zip_header,
)

HUGE = (5 << 30) + 17


def _file(name: str, length: int = 0, mtime: int = 1_000_000_000) -> ArchiveEntry:
    return ArchiveEntry(kind=EntryKind.FILE, name=name, mtime=mtime, length=length)


def _write_zip(path: Path, entries: list[ArchiveEntry]) -> int:
    """An archive whose files are holes; gives the length that was computed for it."""
    directory = b""
    offset = 0
    with path.open("wb") as file:
        for entry in entries:
            file.seek(offset)
            file.write(zip_header(entry, 0))
            file.seek(entry.length, 1)
            file.write(zip_descriptor(entry, 0))
            directory += zip_directory_record(entry, 0, offset)
            offset += zip_entry_length(entry)
            assert file.tell() == offset
        end = zip_end(len(entries), len(directory), offset)
        file.write(directory + end)
    return offset + len(directory) + len(end)


def test_files_beyond_four_gib_and_behind_them_are_found_in_a_zip(tmp_path: Path) -> None:
    entries = [_file("a"), _file("huge", HUGE), _file("behind", 3), _file("é")]
    length = _write_zip(tmp_path / "z", entries)

    assert (tmp_path / "z").stat().st_size == length
    with zipfile.ZipFile(tmp_path / "z") as opened:
        sizes = {info.filename: info.file_size for info in opened.infolist()}
        assert opened.getinfo("behind").date_time == (2001, 9, 9, 1, 46, 40)
    assert sizes == {"a": 0, "huge": HUGE, "behind": 3, "é": 0}


def test_more_than_65535_files_are_counted_in_a_zip() -> None:
    entries = [_file(f"{number}") for number in range(65_536)]
    parts, records, offset = [], [], 0
    for entry in entries:
        parts.append(zip_header(entry, 0) + zip_descriptor(entry, 0))
        records.append(zip_directory_record(entry, 0, offset))
        offset += zip_entry_length(entry)
    directory = b"".join(records)
    archive = b"".join(parts) + directory + zip_end(len(entries), len(directory), offset)

    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        assert len(opened.infolist()) == 65_536


def test_a_file_beyond_eight_gib_is_found_in_a_tar(tmp_path: Path) -> None:
    entries = [_file("huge", 2 * HUGE), _file("n" * 300, 5)]
    with (tmp_path / "t").open("wb") as file:
        for entry in entries:
            start = file.tell()
            file.write(tar_header(entry))
            file.seek(entry.length, 1)
            file.write(tar_padding(entry.length))
            assert file.tell() - start == tar_entry_length(entry)
        file.write(TAR_END)
    with tarfile.open(tmp_path / "t") as opened:
        assert {member.name: member.size for member in opened} == {
            "huge": 2 * HUGE,
            "n" * 300: 5,
        }


@pytest.mark.parametrize("mtime", [-1, 0, 1 << 31, 1 << 40, -(1 << 40)])
def test_any_time_can_be_written(mtime: int) -> None:
    entry = _file("f", mtime=mtime)

    assert len(zip_header(entry, 0)) + len(zip_descriptor(entry, 0)) == zip_entry_length(entry)
    assert tarfile.TarInfo.frombuf(tar_header(entry)[-512:], "utf-8", "strict").name == "f"


def test_safe_names_of_different_names_differ() -> None:
    names = ["a\\b", "a%5Cb", "a%255Cb", "C:x", "C%3Ax", "%25", "%", "12:30", "..", "é"]
    safe = [safe_name(name) for name in names]

    assert len(set(safe)) == len(names)
    assert not any("\\" in name or name.startswith("C:") for name in safe)
    assert safe_name("12:30") == "12:30"
    assert unlike("raw", {"raw", "raw (2)"}) == "raw (3)"


def test_formats_are_known_by_media_type_and_by_name() -> None:
    assert ArchiveFormat.named(None) is ArchiveFormat.TAR
    assert ArchiveFormat.named("application/ZIP") is ArchiveFormat.ZIP
    assert ArchiveFormat.named("tar") is ArchiveFormat.TAR
    with pytest.raises(InvalidArgument, match="not 'rar'"):
        ArchiveFormat.named("rar")
