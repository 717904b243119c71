"""Bytes that are on the disk already: what stays in memory, and what is said of a bad disk."""

import ctypes
import errno
import hashlib
import mmap
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from vospace_server.storage import early_writes
from vospace_server.storage.early_writes import EarlyWrites
from vospace_server.storage.filesystem import FilesystemStore
from vospace_server.storage.object_store import StoreError, StoreFullError

MIB = 1 << 20


def resident_bytes(file: Path) -> int:
    """How much of a file the page cache holds (mincore(2))."""
    size = file.stat().st_size
    with (
        file.open("rb") as opened,
        mmap.mmap(
            opened.fileno(), size, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_WRITE
        ) as mapped,
    ):
        pages = (ctypes.c_ubyte * -(-size // mmap.PAGESIZE))()
        view = ctypes.c_char.from_buffer(mapped)
        libc = ctypes.CDLL(None, use_errno=True)
        failed = libc.mincore(ctypes.c_void_p(ctypes.addressof(view)), size, pages)
        del view
        assert failed == 0, os.strerror(ctypes.get_errno())
    return sum(page & 1 for page in pages) * mmap.PAGESIZE


def drop_all(file: Path) -> None:
    """Give back whatever this file system gives back at all."""
    with file.open("rb") as opened:
        os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def test_a_large_upload_leaves_its_beginning_in_memory_and_all_on_the_disk(
    tmp_path: Path,
) -> None:
    store = FilesystemStore(tmp_path)
    block = os.urandom(MIB)
    writer = store.create()
    for _ in range(96):
        writer.write(block)
    writer.commit()

    (file,) = (each for each in tmp_path.rglob(str(writer.key)) if each.is_file())
    kept = resident_bytes(file)
    drop_all(file)
    unavoidable = resident_bytes(file)

    assert kept <= max(unavoidable, 48 * MIB)
    assert hashlib.sha256(file.read_bytes()).digest() == hashlib.sha256(block * 96).digest()


def test_what_is_small_stays_in_memory(tmp_path: Path) -> None:
    store = FilesystemStore(tmp_path)
    writer = store.create()
    for _ in range(24):
        writer.write(os.urandom(MIB))
    writer.commit()

    (file,) = (each for each in tmp_path.rglob(str(writer.key)) if each.is_file())
    assert resident_bytes(file) >= 20 * MIB


@pytest.mark.parametrize(
    ("number", "error"), [(errno.EIO, StoreError), (errno.ENOSPC, StoreFullError)]
)
def test_bytes_that_did_not_reach_the_disk_fail_the_upload(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    error: type[Exception],
) -> None:
    """The kernel tells a failed write once, to whoever waits first; fsync is told nothing."""

    def failing(_descriptor: int, _start: int, _length: int, flags: int) -> int:
        if flags == 2:
            return 0
        ctypes.set_errno(number)
        return -1

    monkeypatch.setattr(early_writes, "_libc", SimpleNamespace(sync_file_range=failing))
    writer = FilesystemStore(tmp_path).create()
    block = bytes(MIB)

    def write_all() -> None:
        for _ in range(48):
            writer.write(block)

    with pytest.raises(error):
        write_all()
    writer.abort()


def test_a_file_system_without_it_is_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: int) -> int:
        ctypes.set_errno(errno.EINVAL)
        return -1

    monkeypatch.setattr(early_writes, "_libc", SimpleNamespace(sync_file_range=unknown))
    with (tmp_path / "file").open("wb") as file:
        early = EarlyWrites(file.fileno())
        for _ in range(48):
            early.note(file.write(bytes(MIB)))

    assert (tmp_path / "file").stat().st_size == 48 * MIB
