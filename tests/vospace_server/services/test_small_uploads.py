"""Small uploads below HTTP: one transaction each, and as whole and as exact as any other."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from tests.vospace_server.services.byte_space import ByteSpace
from vospace_model.faults import NotAuthenticated, PreconditionFailed, QuotaExceeded
from vospace_server.database.blobs import BlobState
from vospace_server.domain.identity import ANONYMOUS
from vospace_server.storage.filesystem import FilesystemStore, FilesystemWriter
from vospace_server.storage.object_store import ObjectKey, StoreError


@pytest.fixture
def space(database_url: str, tmp_path: Path) -> Iterator[ByteSpace]:
    store = FilesystemStore(tmp_path / "objects")
    with closing(ByteSpace(database_url, store)) as opened:
        yield opened


def test_a_small_upload_is_the_content_of_the_node_and_replaces_it(space: ByteSpace) -> None:
    first = space.put_at_once("/alice/f", b"12345")
    second = space.put_at_once("/alice/f", b"other bytes")

    assert (first.created, second.created) == (True, False)
    assert space.read("/alice/f") == b"other bytes"
    assert space.used() == 11
    assert space.check() == []


def test_every_object_has_a_row_before_its_first_byte(
    space: ByteSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    states: list[BlobState | None] = []
    real = FilesystemWriter.write

    def looking(writer: FilesystemWriter, chunk: memoryview) -> None:
        with space.tree.database.read() as unit:
            blob = unit.blobs.by_key(writer.key)
        states.append(None if blob is None else blob.state)
        real(writer, chunk)

    monkeypatch.setattr(FilesystemWriter, "write", looking)
    for number in range(5):
        space.put_at_once(f"/alice/{number}", b"x")

    assert states == [BlobState.WRITING] * 5


def test_what_does_not_fit_leaves_nothing(space: ByteSpace) -> None:
    space.put_at_once("/alice/f", b"old")

    with pytest.raises(QuotaExceeded):
        space.put_at_once("/alice/f", bytes(1_000_001))

    assert space.read("/alice/f") == b"old"
    assert space.used() == 3
    assert space.objects() == 1
    assert space.check() == []


def test_other_bytes_than_were_announced_leave_nothing(space: ByteSpace) -> None:
    with pytest.raises(PreconditionFailed):
        space.put_at_once("/alice/f", b"12345", md5="0" * 32)

    assert space.objects() == 0
    assert space.used() == 0


def test_a_stranger_is_refused_before_anything_is_written(
    space: ByteSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_writer(key: ObjectKey | None = None) -> FilesystemWriter:
        raise AssertionError(f"an object was begun: {key}")

    space.put_at_once("/alice/f", b"old")
    monkeypatch.setattr(space.store, "create", no_writer)
    monkeypatch.setattr(ByteSpace, "alice", ANONYMOUS)

    with pytest.raises(NotAuthenticated):
        space.put_at_once("/alice/f", b"new")


def test_a_crash_before_the_transaction_leaves_what_the_collector_removes(
    space: ByteSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_arguments: object, **_options: object) -> None:
        raise StoreError("the process was killed here")

    space.put_at_once("/alice/f", b"old")
    monkeypatch.setattr(space.data, "commit", dies)
    monkeypatch.setattr(space.data, "abandon", lambda *_arguments: None)
    with pytest.raises(StoreError):
        space.put_at_once("/alice/f", b"new")
    assert space.objects() == 2

    space.collect(after=timedelta(hours=3))

    assert space.objects() == 1
    assert space.read("/alice/f") == b"old"


def test_rows_in_reserve_are_withdrawn_at_the_end(space: ByteSpace) -> None:
    for number in range(5):
        space.put_at_once(f"/alice/{number}", b"x")
    space.data.close()

    space.now += timedelta(days=2)
    assert space.garbage.collect().abandoned == 0
