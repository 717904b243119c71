"""A cache that is damaged, full or can't be written: always the right bytes."""

import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.content import MEBIBYTE, noise
from tests.support.mounts import Mounts
from tests.support.store import Store

DATA = {f"f{number}": noise(3 * MEBIBYTE + number, seed=number) for number in range(4)}


def _flip_a_byte_of(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 0xFF]))


def _cut_to_nothing(path: Path) -> None:
    os.truncate(path, 0)


def _cut_in_half(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _remove(path: Path) -> None:
    path.unlink()


def _fill_with_zeros(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def _replace_by_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES = [
    _flip_a_byte_of,
    _cut_to_nothing,
    _cut_in_half,
    _remove,
    _fill_with_zeros,
    _replace_by_a_folder,
]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("every", ["largest", "smallest", "all"])
def test_damaged_cache_is_fetched_again(
    mounts: Mounts, store: Store, folder: str, damage: Callable[[Path], None], every: str
) -> None:
    for name, data in DATA.items():
        store.put(f"{folder}/{name}", data)
    owner = mounts.space.owner
    mount = mounts.mount(f"vos:{folder}", user=owner, cache="damaged")
    assert {name: (mount.path / name).read_bytes() for name in DATA} == DATA
    mount.unmount()

    files = [p for p in mount.cache_dir.rglob("*") if p.is_file() and p.stat().st_size > 0]
    blocks = [p for p in files if p.suffix != ".log" and "log" not in p.name]
    large = [p for p in blocks if p.stat().st_size >= MEBIBYTE]
    small = [p for p in blocks if p.stat().st_size < MEBIBYTE]
    assert large
    for path in {"largest": large, "smallest": small, "all": blocks}[every]:
        damage(path)

    again = mounts.mount(f"vos:{folder}", user=owner, cache="damaged")
    assert {name: (again.path / name).read_bytes() for name in DATA} == DATA
    assert {name: (again.path / name).read_bytes() for name in DATA} == DATA


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(disk)]
    subprocess.run(command, check=True)
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_full_cache_disk_does_not_keep_files_from_being_read(
    small_disk: Path, mounts: Mounts, store: Store, folder: str
) -> None:
    data = noise(40 * MEBIBYTE)
    store.put(f"{folder}/drk.fits", data)
    mount = mounts.mount(f"vos:{folder}", user=mounts.space.owner, cache=f"{small_disk}/cache")
    assert (mount.path / "drk.fits").read_bytes() == data
    used = os.statvfs(small_disk)
    (small_disk / "rest").write_bytes(bytes(used.f_bavail * used.f_frsize))
    assert (mount.path / "drk.fits").read_bytes() == data
    mount.unmount()


def _write_mebibytes(descriptor: int, count: int) -> None:
    chunk = noise(MEBIBYTE)
    for _ in range(count):
        os.write(descriptor, chunk)


def test_writing_to_a_full_spool_says_that_no_space_is_left(
    small_disk: Path, mounts: Mounts, store: Store, folder: str
) -> None:
    mount = mounts.mount(f"vos:{folder}", user=mounts.space.owner, cache=f"{small_disk}/cache")
    writer = os.open(mount.path / "big", os.O_WRONLY | os.O_CREAT)
    with pytest.raises(OSError, match="No space left") as refusal:
        _write_mebibytes(writer, 64)
    assert refusal.value.errno == errno.ENOSPC
    os.close(writer)
    (mount.path / "small").write_bytes(b"fits")
    assert store.get(f"{folder}/small") == b"fits"
    mount.unmount()


def test_cache_disk_that_becomes_read_only_does_not_keep_files_from_being_read(
    small_disk: Path, mounts: Mounts, store: Store, folder: str
) -> None:
    first, second = noise(5 * MEBIBYTE, seed=1), noise(5 * MEBIBYTE, seed=2)
    store.put(f"{folder}/first", first)
    store.put(f"{folder}/second", second)
    mount = mounts.mount(f"vos:{folder}", user=mounts.space.owner, cache=f"{small_disk}/cache")
    assert (mount.path / "first").read_bytes() == first
    command = ["mount", "-o", "remount,ro,force", str(small_disk)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        # tmpfs refuses while files are open for writing; a full disk refuses every write too.
        used = os.statvfs(small_disk)
        (small_disk / "rest").write_bytes(bytes(used.f_bavail * used.f_frsize))
    assert (mount.path / "second").read_bytes() == second
    assert (mount.path / "first").read_bytes() == first
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    mount.unmount()


def test_two_readers_of_more_than_the_cache_holds_both_finish(
    mounts: Mounts, store: Store, folder: str
) -> None:
    first, second = noise(48 * MEBIBYTE, seed=1), noise(48 * MEBIBYTE, seed=2)
    store.put(f"{folder}/first", first)
    store.put(f"{folder}/second", second)
    mount = mounts.mount(f"vos:{folder}", "--cache-limit", "64MiB", user=mounts.space.owner)
    command = "for i in 1 2; do md5sum {first} {second}; done"
    paths = {"first": mount.path / "first", "second": mount.path / "second"}
    readers = [
        subprocess.Popen(["sh", "-c", command.format(**paths)], stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    for reader in readers:
        out, _ = reader.communicate(timeout=100)
        assert reader.returncode == 0
        assert len(out.splitlines()) == 4
    assert (mount.path / "first").read_bytes() == first
    assert (mount.path / "second").read_bytes() == second
    assert mount.status()["cache"]["stored_bytes"] <= 64 * MEBIBYTE + 16 * MEBIBYTE
