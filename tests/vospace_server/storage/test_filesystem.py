"""What the store in a directory promises beyond the conformance suite."""

import errno
import os
import stat
from pathlib import Path

import pytest

from vospace_server.storage.filesystem import FilesystemStore
from vospace_server.storage.object_store import (
    Segment,
    SegmentBusyError,
    StoreError,
    StoreFullError,
    new_key,
)


@pytest.fixture
def store(tmp_path: Path) -> FilesystemStore:
    return FilesystemStore(tmp_path / "store")


def test_objects_lie_in_two_levels_of_directories(
    store: FilesystemStore, tmp_path: Path
) -> None:
    writer = store.create()
    writer.write(b"bytes")
    writer.commit()

    path = tmp_path / "store" / "objects" / writer.key[:2] / writer.key[2:4] / writer.key
    assert path.read_bytes() == b"bytes"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list((tmp_path / "store" / "incoming").iterdir()) == []


def test_objects_are_found_by_another_process(store: FilesystemStore, tmp_path: Path) -> None:
    writer = store.create()
    writer.write(b"shared")
    writer.commit()

    other = FilesystemStore(tmp_path / "store")

    assert other.open(writer.key).read_at(0, 10) == b"shared"
    assert other.properties.shared
    assert other.properties.durable


def test_everything_is_synced_before_commit_returns(
    store: FilesystemStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    real = os.fsync

    def recording(descriptor: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", recording)
    writer = store.create()
    writer.write(b"precious")
    writer.commit()

    names = [path.split("/store/")[1] for path in synced]
    first, second = writer.key[:2], writer.key[2:4]
    assert names == [
        f"incoming/{writer.key}",
        f"objects/{first}",
        "objects",
        f"objects/{first}/{second}",
    ]


def test_a_directory_made_by_someone_else_is_synced_once(
    store: FilesystemStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = store.create()
    (tmp_path / "store" / "objects" / writer.key[:2] / writer.key[2:4]).mkdir(parents=True)
    synced: list[str] = []
    monkeypatch.setattr(
        os, "fsync", lambda fd: synced.append(str(Path(f"/proc/self/fd/{fd}").readlink()))
    )

    writer.write(b"x")
    writer.commit()

    assert str(tmp_path / "store" / "objects" / writer.key[:2]) in synced


def test_keys_made_one_after_the_other_share_a_directory(store: FilesystemStore) -> None:
    keys = [store.new_key() for _ in range(600)]

    assert len(set(keys)) == 600
    assert len({key[:4] for key in keys}) <= 3


def test_an_object_has_the_key_that_was_made_for_it(store: FilesystemStore) -> None:
    key = store.new_key()
    writer = store.create(key)
    writer.write(b"bytes")
    writer.commit()

    assert writer.key == key
    assert store.open(key).read_at(0, 10) == b"bytes"


def test_a_full_disk_is_a_full_store(
    store: FilesystemStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int, chunk: memoryview) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    writer = store.create()
    monkeypatch.setattr(os, "write", full)

    with pytest.raises(StoreFullError, match="the store is full"):
        writer.write(b"x")
    writer.abort()
    assert list(store.list()) == []


def test_a_failed_fsync_never_becomes_an_object(
    store: FilesystemStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    writer = store.create()
    writer.write(b"x")
    monkeypatch.setattr(os, "fsync", broken)

    with pytest.raises(StoreError, match="committing object"):
        writer.commit()
    writer.abort()
    assert list(store.list()) == []
    assert list((tmp_path / "store" / "incoming").iterdir()) == []


def test_a_short_write_is_continued(
    store: FilesystemStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, chunk: real(fd, bytes(chunk[:3])))
    writer = store.create()

    writer.write(b"0123456789")
    writer.commit()

    assert store.open(writer.key).read_at(0, 100) == b"0123456789"


def test_a_root_that_is_a_file_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(StoreError, match="preparing the store"):
        FilesystemStore(tmp_path / "file")


def test_a_segment_is_added_by_one_process_at_a_time(tmp_path: Path) -> None:
    first, second = (FilesystemStore(tmp_path / "store") for _ in range(2))
    key = new_key()
    adding = first.add_segment(key)
    adding.begin(0)
    adding.write(b"12345")

    with pytest.raises(SegmentBusyError):
        second.add_segment(key)
    with pytest.raises(SegmentBusyError):
        second.join(key, [Segment(name=adding.name, length=5)])
    adding.commit()
    adding.close()

    second.join(key, [Segment(name=adding.name, length=5)])
    assert first.length(key) == 5
