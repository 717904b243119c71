"""Files that are removed or replaced while they are open."""

import os

from tests.support.content import MEBIBYTE, noise
from tests.support.mounts import Mounts, wait_until
from tests.support.store import Store


def test_reader_of_an_unlinked_file_reads_on(mounts: Mounts, store: Store, folder: str) -> None:
    data = noise(8 * MEBIBYTE)
    store.put(f"{folder}/f", data)
    mount = mounts.mount(f"vos:{folder}", user=mounts.space.owner)
    reader = os.open(mount.path / "f", os.O_RDONLY)
    assert os.pread(reader, 4096, 0) == data[:4096]
    (mount.path / "f").unlink()
    assert os.pread(reader, 4096, 6 * MEBIBYTE) == data[6 * MEBIBYTE : 6 * MEBIBYTE + 4096]
    assert not (mount.path / "f").exists()
    # libfuse hides an open file first; the mount removes it from the server a moment later.
    wait_until(lambda: store.names(folder) == [], "the file is gone from the server")
    os.close(reader)


def test_writer_of_an_unlinked_file_goes_on_and_nothing_is_uploaded(
    mounts: Mounts, store: Store, folder: str
) -> None:
    mount = mounts.mount(f"vos:{folder}", user=mounts.space.owner)
    writer = os.open(mount.path / "scratch", os.O_RDWR | os.O_CREAT)
    os.write(writer, b"before")
    (mount.path / "scratch").unlink()
    os.write(writer, b" after")
    assert os.pread(writer, 100, 0) == b"before after"
    os.close(writer)
    # libfuse hides an open file first; the mount removes it from the server a moment later.
    wait_until(lambda: store.names(folder) == [], "the file is gone from the server")


def test_rename_over_a_file_that_is_read_is_atomic_and_the_reader_reads_on(
    mounts: Mounts, store: Store, folder: str
) -> None:
    old, new = noise(5 * MEBIBYTE, seed=1), noise(2 * MEBIBYTE, seed=2)
    store.put(f"{folder}/f", old)
    mount = mounts.mount(f"vos:{folder}", user=mounts.space.owner)
    reader = os.open(mount.path / "f", os.O_RDONLY)
    assert os.pread(reader, 4096, 0) == old[:4096]
    (mount.path / "f.new").write_bytes(new)
    (mount.path / "f.new").rename(mount.path / "f")
    assert os.pread(reader, 4096, 4 * MEBIBYTE) == old[4 * MEBIBYTE : 4 * MEBIBYTE + 4096]
    assert (mount.path / "f").read_bytes() == new
    assert store.get(f"{folder}/f") == new
    assert store.names(folder) == ["f"]
    os.close(reader)


def test_rename_over_a_file_that_is_written_leaves_the_renamed_one(
    mounts: Mounts, store: Store, folder: str
) -> None:
    mount = mounts.mount(f"vos:{folder}", user=mounts.space.owner)
    (mount.path / "new").write_bytes(b"the new one")
    writer = os.open(mount.path / "f", os.O_RDWR | os.O_CREAT)
    os.write(writer, b"half of the old")
    (mount.path / "new").rename(mount.path / "f")
    os.close(writer)
    assert store.get(f"{folder}/f") == b"the new one"
    assert store.names(folder) == ["f"]


def test_target_of_a_rename_is_never_missing(mounts: Mounts, store: Store, folder: str) -> None:
    mount = mounts.mount(f"vos:{folder}", user=mounts.space.owner)
    store.put(f"{folder}/f", b"0" * 10)
    for turn in range(1, 10):
        (mount.path / "tmp").write_bytes(str(turn).encode() * 10)
        (mount.path / "tmp").rename(mount.path / "f")
        assert store.get(f"{folder}/f") == str(turn).encode() * 10
    assert store.names(folder) == ["f"]
