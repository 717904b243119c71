"""Uploads below HTTP: all or nothing, on each engine and store."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.vospace_server.services.byte_space import ByteSpace
from tests.vospace_server.services.tree_space import at
from vospace_model.faults import (
    InvalidArgument,
    NodeNotFound,
    PermissionDenied,
    PreconditionFailed,
    QuotaExceeded,
    TransferFailed,
)
from vospace_server.storage.filesystem import FilesystemStore
from vospace_server.storage.memory import MemoryStore
from vospace_server.storage.object_store import StoreError, StoreFullError


@pytest.fixture
def space(database_url: str, tmp_path: Path) -> Iterator[ByteSpace]:
    store = FilesystemStore(tmp_path / "objects")
    with closing(ByteSpace(database_url, store)) as opened:
        yield opened


@pytest.fixture
def small_store(tmp_path: Path) -> Iterator[ByteSpace]:
    """A space whose store holds a thousand bytes."""
    store = MemoryStore(capacity_bytes=1000)
    url = f"sqlite:///{tmp_path / 'space.sqlite'}"
    with closing(ByteSpace(url, store)) as opened:
        yield opened


def test_a_committed_upload_is_the_content_of_the_node(space: ByteSpace) -> None:
    stored = space.put("/alice/f", b"12345")

    assert stored.created
    assert stored.digests.md5 == hashlib.md5(b"12345", usedforsecurity=False).hexdigest()
    assert stored.digests.sha256 == hashlib.sha256(b"12345").hexdigest()
    assert space.read("/alice/f") == b"12345"
    assert space.used() == 5
    assert space.check() == []


def test_nothing_is_seen_of_an_upload_before_its_commit(space: ByteSpace) -> None:
    space.put("/alice/f", b"old")
    upload = space.begin("/alice/f", 6)
    upload.write(b"newer!")

    assert space.read("/alice/f") == b"old"
    assert space.used() == 6
    upload.commit()
    assert space.read("/alice/f") == b"newer!"


def test_an_abandoned_upload_leaves_nothing(space: ByteSpace) -> None:
    space.put("/alice/f", b"old")
    upload = space.begin("/alice/f")
    upload.write(b"x" * 100_000)

    upload.abandon()
    upload.abandon()

    assert (space.read("/alice/f"), space.used(), space.objects()) == (b"old", 3, 1)
    assert space.check() == []


def test_abandoning_after_the_commit_changes_nothing(space: ByteSpace) -> None:
    upload = space.begin("/alice/f", 3)
    upload.write(b"new")
    upload.commit()

    upload.abandon()

    assert (space.read("/alice/f"), space.used()) == (b"new", 3)


@pytest.mark.parametrize("received", [b"1234", b"123456"])
def test_another_length_than_announced_is_refused(space: ByteSpace, received: bytes) -> None:
    upload = space.begin("/alice/f", 5)
    upload.write(received)

    with pytest.raises(InvalidArgument, match="5 bytes were announced"):
        upload.commit()
    upload.abandon()
    assert (space.used(), space.objects()) == (0, 0)


def test_another_digest_than_announced_is_refused(space: ByteSpace) -> None:
    upload = space.begin("/alice/f", 5, md5="0" * 32)
    upload.write(b"12345")

    with pytest.raises(PreconditionFailed, match="827ccb0eea8a706c4c34a16891f84e7b"):
        upload.commit()
    upload.abandon()
    assert (space.used(), space.objects()) == (0, 0)


def test_a_stream_is_refused_where_the_quota_ends(space: ByteSpace) -> None:
    upload = space.begin("/alice/f")
    upload.write(b"x" * 900_000)

    with pytest.raises(QuotaExceeded):
        upload.write(b"x" * 200_000)
    upload.abandon()
    assert (space.used(), space.objects()) == (0, 0)


def test_exactly_the_uploads_that_fit_are_admitted(space: ByteSpace) -> None:
    begun = threading.Barrier(6)
    outcomes: list[str] = []

    def attempt(number: int) -> None:
        begun.wait()
        try:
            space.put(f"/alice/f{number}", b"x" * 300_000)
            outcomes.append("stored")
        except QuotaExceeded:
            outcomes.append("refused")

    threads = [threading.Thread(target=attempt, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["refused"] * 3 + ["stored"] * 3
    assert space.used() == 900_000
    assert space.check() == []


def test_a_full_store_leaves_the_node_as_it_was(small_store: ByteSpace) -> None:
    small_store.put("/alice/f", b"old")
    upload = small_store.begin("/alice/f", 2000)

    with pytest.raises(StoreFullError):
        upload.write(b"x" * 2000)
    upload.abandon()
    assert (small_store.read("/alice/f"), small_store.used()) == (b"old", 3)


def test_a_store_that_can_not_begin_leaves_no_reservation(
    small_store: ByteSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_store: MemoryStore) -> None:
        raise StoreError("the disk is gone")

    monkeypatch.setattr(MemoryStore, "create", broken)

    with pytest.raises(StoreError):
        small_store.begin("/alice/f", 100)
    assert small_store.used() == 0


def test_an_upload_that_was_given_up_can_not_commit(space: ByteSpace) -> None:
    upload = space.begin("/alice/f", 3)
    upload.write(b"new")
    with space.tree.database.write() as unit:
        for name in upload.content_id, "none":
            unit.blobs.doom_writing(name)

    with pytest.raises(TransferFailed):
        upload.commit()
    upload.abandon()
    assert space.used() == 0
    assert space.collect().removed_objects == 1
    assert space.objects() == 0


def test_a_check_says_what_an_upload_would_hear(space: ByteSpace) -> None:
    space.put("/alice/f", b"x" * 600_000)

    assert str(space.data.check(space.alice, at("/alice/g"), length=None)) == "/alice/g"
    assert str(space.data.check(space.alice, at("/alice/f"), length=900_000)) == "/alice/f"
    with pytest.raises(QuotaExceeded):
        space.data.check(space.alice, at("/alice/g"), length=600_000)
    with pytest.raises(InvalidArgument):
        space.data.check(space.alice, at("/alice"), length=None)
    with pytest.raises(PermissionDenied):
        space.data.check(space.tree.user("bob"), at("/alice/g"), length=None)


def test_what_is_present_is_told(space: ByteSpace) -> None:
    space.put("/alice/f", b"12345")

    present = space.data.present(space.alice, at("/alice/f"))

    assert present.content is not None
    assert present.content.length == 5
    with pytest.raises(NodeNotFound):
        space.data.present(space.alice, at("/alice/none"))
