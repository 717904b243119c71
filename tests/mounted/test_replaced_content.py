"""Another user replaces a file: a reader sees the old or the new bytes, never a mixture."""

import errno
import mmap
import os
from pathlib import Path

import pytest

from tests.support.content import MEBIBYTE, noise
from tests.support.mounts import Mounts, wait_until
from tests.support.store import Store

OLD, NEW = noise(24 * MEBIBYTE, seed=1), noise(9 * MEBIBYTE + 17, seed=2)


def _read_on(descriptor: int, start: int, length: int) -> bytes | int:
    """The bytes from `start`, or the errno with which reading ended."""
    parts = []
    try:
        while start < length and (part := os.pread(descriptor, MEBIBYTE, start)):
            parts.append(part)
            start += len(part)
    except OSError as error:
        return error.errno or -1
    return b"".join(parts)


@pytest.mark.parametrize("option", ["--read-only", "--attr-timeout=1"])
def test_a_reader_of_a_replaced_file_keeps_its_version_or_is_told(
    mounts: Mounts, store: Store, folder: str, option: str
) -> None:
    store.put(f"{folder}/drk.fits", OLD)
    mount = mounts.mount(f"vos:{folder}", option, user=mounts.space.owner)
    path = mount.path / "drk.fits"
    reader = os.open(path, os.O_RDONLY)
    half = len(OLD) // 2
    assert _read_on(reader, 0, half)[:half] == OLD[:half]  # type: ignore[index]
    store.put(f"{folder}/drk.fits", NEW)
    wait_until(lambda: path.read_bytes() == NEW, "a new open shows the new file", seconds=90)
    rest = _read_on(reader, half, len(OLD))
    os.close(reader)
    assert rest == OLD[half:] or rest in {errno.ESTALE, errno.EIO}
    assert path.stat().st_size == len(NEW)


def test_replacement_of_the_same_size_in_the_same_second_is_seen_at_the_next_open(
    mounts: Mounts, store: Store, folder: str
) -> None:
    first, second = noise(3 * MEBIBYTE, seed=3), noise(3 * MEBIBYTE, seed=4)
    store.put(f"{folder}/f", first)
    mount = mounts.mount(f"vos:{folder}", user=mounts.space.owner)
    path = mount.path / "f"
    assert path.read_bytes() == first
    assert path.read_bytes() == first  # now kept by the kernel's page cache
    store.put(f"{folder}/f", second)
    wait_until(lambda: path.read_bytes() == second, "new bytes at the next open", seconds=5)
    assert path.read_bytes() == second


def test_memory_map_of_an_old_version_does_not_mix_with_the_new(
    mounts: Mounts, store: Store, folder: str
) -> None:
    first, second = noise(6 * MEBIBYTE, seed=5), noise(6 * MEBIBYTE, seed=6)
    store.put(f"{folder}/f", first)
    mount = mounts.mount(f"vos:{folder}", user=mounts.space.owner)
    path = mount.path / "f"
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped:
        assert mapped[:MEBIBYTE] == first[:MEBIBYTE]
        store.put(f"{folder}/f", second)
        wait_until(lambda: path.read_bytes() == second, "new bytes at the next open", seconds=5)
        assert mapped[:] in {first, second}
        assert mapped[: 2 * MEBIBYTE] == first[: 2 * MEBIBYTE]


def test_a_growing_file_is_read_with_its_new_length(
    mounts: Mounts, store: Store, folder: str
) -> None:
    store.put(f"{folder}/log", b"one\n")
    mount = mounts.mount(f"vos:{folder}", user=mounts.space.owner)
    path: Path = mount.path / "log"
    assert path.read_text() == "one\n"
    store.put(f"{folder}/log", b"one\ntwo\n")
    wait_until(lambda: path.read_text() == "one\ntwo\n", "the longer file whole", seconds=5)
