"""What a check of the whole space finds, and what it repairs."""

import os
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.vospace_server.services.byte_space import ByteSpace
from tests.vospace_server.services.tree_space import at
from vospace_server.domain.size_delta import SizeDelta
from vospace_server.services.deletions import cut_off
from vospace_server.services.fsck import Trouble
from vospace_server.storage.filesystem import FilesystemStore


@pytest.fixture
def store_path(tmp_path: Path) -> Path:
    return tmp_path / "objects"


@pytest.fixture
def space(database_url: str, store_path: Path) -> Iterator[ByteSpace]:
    with closing(ByteSpace(database_url, FilesystemStore(store_path))) as opened:
        opened.put("/alice/a", b"first")
        opened.put("/alice/b", b"second")
        yield opened


def object_path(space: ByteSpace, store_path: Path, path: str) -> Path:
    key = space.content(path).object_key
    return store_path / "objects" / key[:2] / key[2:4] / key


def test_a_sound_space_has_no_damage(space: ByteSpace) -> None:
    assert space.check() == []
    assert space.check(repair=True) == []


def test_a_changed_bit_is_found(space: ByteSpace, store_path: Path) -> None:
    object_path(space, store_path, "/alice/a").write_bytes(b"fIrst")

    (damage,) = space.check()

    assert (damage.trouble, damage.subject) == (Trouble.DAMAGED_OBJECT, "/alice/a")
    assert "digest" in damage.detail
    assert not damage.repaired
    assert str(damage) == f"damaged-object /alice/a: {damage.detail}"
    with space.tree.database.read() as unit:
        record = unit.blobs.get(space.content("/alice/a").content_id)
    assert record is not None
    assert record.damage == damage.detail
    assert record.verified == space.now


def test_a_cut_object_is_found_without_reading_bytes(
    space: ByteSpace, store_path: Path
) -> None:
    object_path(space, store_path, "/alice/a").write_bytes(b"fir")

    (damage,) = list(space.fsck.check(read_bytes=False))

    assert (damage.trouble, damage.detail) == (
        Trouble.DAMAGED_OBJECT,
        "it has 3 bytes, 5 were stored",
    )


def test_a_missing_object_is_found(space: ByteSpace, store_path: Path) -> None:
    object_path(space, store_path, "/alice/b").unlink()

    (damage,) = space.check(repair=True)

    assert (damage.trouble, damage.subject) == (Trouble.MISSING_OBJECT, "/alice/b")
    assert not damage.repaired


def test_an_object_that_nobody_knows_is_removed_when_it_is_old(space: ByteSpace) -> None:
    writer = space.store.create()
    writer.write(b"stray")
    writer.commit()

    assert space.check() == []
    space.now += timedelta(hours=4)
    (found,) = space.check()
    (repaired,) = space.check(repair=True)

    assert (found.trouble, found.repaired) == (Trouble.ORPHANED_OBJECT, False)
    assert repaired.repaired
    assert space.check() == []
    assert space.objects() == 2


def test_a_node_whose_content_is_unknown_is_found(space: ByteSpace) -> None:
    with space.tree.database.write() as unit:
        (record,) = unit.nodes.walk(space.tree_path("/alice/a"))[-1:]
        content = replace(space.content("/alice/a"), content_id="0" * 32)
        unit.nodes.set_content(record, content)

    damages = space.check()

    assert [(d.trouble, d.subject) for d in damages] == [(Trouble.BROKEN_REFERENCE, "/alice/a")]
    assert "0" * 32 in damages[0].detail


def test_a_wrong_size_is_found_and_corrected(space: ByteSpace) -> None:
    space.tree.sizes.fold_all()
    with space.tree.database.write() as unit:
        container_id = unit.nodes.walk(space.tree_path("/alice"))[-1].node_id
        unit.sizes.append(
            SizeDelta(container_id=container_id, size_bytes=100, files=1, entries_changed_ns=0)
        )

    found = space.check()
    repaired = space.check(repair=True)

    assert Trouble.WRONG_SIZE in {damage.trouble for damage in found}
    assert all(damage.repaired for damage in repaired)
    assert space.check() == []


def test_a_wrong_use_of_a_quota_is_found_and_corrected(space: ByteSpace) -> None:
    with space.tree.database.write() as unit:
        (allocation,) = unit.allocations.all()
        unit.allocations.credit(allocation.allocation_id, 4, 1)

    (found,) = space.check()
    space.check(repair=True)

    assert (found.trouble, found.subject) == (Trouble.WRONG_USAGE, "/alice")
    assert found.detail == ("the allocation counts 7 bytes in 1 files, there are 11 in 2")
    assert space.check() == []
    assert space.used() == 11


def test_an_upload_that_runs_is_no_damage(space: ByteSpace) -> None:
    upload = space.begin("/alice/c", 1000)
    upload.write(os.urandom(1000))

    assert space.check() == []
    upload.commit()
    assert space.check() == []


@pytest.mark.parametrize("kept", [False, True])
def test_a_deleted_tree_counts_until_it_is_taken_apart(space: ByteSpace, kept: bool) -> None:
    tree = space.tree
    tree.mkdir("/alice/t")
    for name in "abc":
        space.put(f"/alice/t/{name}", b"bytes")
    with tree.database.write() as unit:
        found = tree.tree.walker(unit).get(tree.alice, at("/alice/t"))
        until = time.time_ns() + 10**12 if kept else 0
        cut_off(unit, tree.alice, found, time.time_ns(), kept_until_ns=until)
    assert space.check() == []
    with tree.database.write() as unit:
        child = unit.nodes.child(found.node.node_id, "a")
        assert child is not None
        # As the collector does it, which says nothing to the containers around.
        unit.nodes.remove([child.node_id])

    damages = space.check()

    # A tree that can be put back must be whole; what is on its way out need not be.
    assert [each.trouble for each in damages] == ([Trouble.WRONG_SIZE] if kept else [])
