"""What is removed from the store, and when."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from tests.vospace_server.services.byte_space import GRACE, ByteSpace
from tests.vospace_server.services.test_copies import Copier
from vospace_server.services.copies import CopyService
from vospace_server.storage.filesystem import FilesystemStore

MOMENT = timedelta(seconds=1)


@pytest.fixture
def space(database_url: str, tmp_path: Path) -> Iterator[ByteSpace]:
    with closing(ByteSpace(database_url, FilesystemStore(tmp_path / "objects"))) as opened:
        yield opened


def test_content_in_use_is_never_collected(space: ByteSpace) -> None:
    space.put("/alice/f", b"kept")

    space.collect()
    report = space.collect(after=10 * GRACE)

    assert report.total == 0
    assert space.read("/alice/f") == b"kept"


def test_replaced_content_is_readable_until_the_grace_has_passed(space: ByteSpace) -> None:
    space.put("/alice/f", b"old")
    old = space.content("/alice/f")
    space.put("/alice/f", b"newer")

    first = space.collect()
    early = space.collect(after=GRACE - MOMENT)
    still_there = space.read_content(old)
    late = space.collect(after=2 * MOMENT)

    assert (first.marked, first.total, early.total) == (1, 0, 0)
    assert still_there == b"old"
    assert (late.removed_objects, late.removed_bytes) == (1, 3)
    assert space.read("/alice/f") == b"newer"
    assert space.objects() == 1
    assert space.check() == []


def test_content_of_a_deleted_node_is_collected(space: ByteSpace) -> None:
    space.put("/alice/f", b"gone")
    space.delete("/alice/f")

    space.collect()
    report = space.collect(after=GRACE + MOMENT)

    assert report.removed_objects == 1
    assert space.objects() == 0


def test_an_upload_whose_process_died_is_collected(space: ByteSpace) -> None:
    upload = space.begin("/alice/f", 100)
    upload.write(b"half")

    early = space.collect()
    late = space.collect(after=timedelta(hours=4))

    assert (early.abandoned, early.total) == (0, 0)
    assert (late.abandoned, late.removed_objects, late.removed_incomplete) == (1, 1, 1)
    assert space.objects() == 0


def test_many_pages_are_looked_at(space: ByteSpace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vospace_server.services.garbage._PAGE", 3)
    for number in range(10):
        space.put(f"/alice/f{number}", b"x")
    for number in range(0, 10, 2):
        space.delete(f"/alice/f{number}")

    space.collect()
    report = space.collect(after=GRACE + MOMENT)

    assert report.removed_objects == 5
    assert space.objects() == 5
    assert space.check() == []


def test_a_mark_is_taken_back_when_content_is_used_again(space: ByteSpace) -> None:
    space.put("/alice/f", b"back")
    content = space.content("/alice/f")
    space.delete("/alice/f")
    space.collect()
    # As a copy would do it: another node refers to the same content.
    space.tree.touch("/alice/g")
    with space.tree.database.write() as unit:
        unit.nodes.set_content(unit.nodes.walk(space.tree_path("/alice/g"))[-1], content)

    space.collect()
    space.collect(after=GRACE + MOMENT)

    assert space.read("/alice/g") == b"back"
    with space.tree.database.read() as unit:
        record = unit.blobs.get(content.content_id)
    assert record is not None
    assert record.unused_since is None


def test_bytes_that_a_copy_shares_outlive_the_original_and_damage_nothing(
    space: ByteSpace,
) -> None:
    space.put("/alice/f", b"shared")
    copier = Copier(space.tree, CopyService(tree=space.tree.tree))
    copier.copy("/alice/f", "/alice/g")
    assert space.check() == []

    space.delete("/alice/f")
    space.collect()
    space.collect(after=10 * GRACE)

    assert space.read("/alice/g") == b"shared"
    assert (space.objects(), space.used()) == (1, 6)
    assert space.check() == []
    space.delete("/alice/g")
    space.collect()
    space.collect(after=10 * GRACE)
    assert space.objects() == 0


def test_a_copy_that_is_not_whole_yet_keeps_its_bytes_and_is_sound(space: ByteSpace) -> None:
    space.tree.mkdir("/alice/t")
    for number in range(4):
        space.put(f"/alice/t/f{number}", b"x%d" % number)
    copier = Copier(space.tree, CopyService(tree=space.tree.tree, batch=2))
    place = copier.step(copier.begin("/alice/t", "/alice/u"))

    damage = space.check()
    for number in range(4):
        space.delete(f"/alice/t/f{number}")
    space.collect()
    space.collect(after=10 * GRACE)

    assert damage == []
    assert space.objects() == place.files == 2
