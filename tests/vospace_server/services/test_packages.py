"""Packages: what goes in, and what is sent when nodes change meanwhile."""

import io
import tarfile
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.vospace_server.services.byte_space import ByteSpace
from tests.vospace_server.services.tree_space import at
from vospace_model.faults import InvalidArgument
from vospace_server.domain.archive_entries import ArchiveFormat
from vospace_server.domain.identity import Caller
from vospace_server.services import package_plan
from vospace_server.services.package_plan import PackagePlanner
from vospace_server.services.packages import PackageService
from vospace_server.storage.memory import MemoryStore
from vospace_server.storage.object_store import ObjectKey, StoreError


@pytest.fixture
def space(database_url: str) -> Iterator[ByteSpace]:
    made = ByteSpace(database_url, MemoryStore())
    yield made
    made.close()


@pytest.fixture
def packages(space: ByteSpace) -> PackageService:
    return PackageService(planner=PackagePlanner(tree=space.tree.tree), store=space.store)


def _names(space: ByteSpace, packages: PackageService, *paths: str) -> list[str]:
    return sorted(_fetched(packages, space.alice, *paths))


def _fetched(packages: PackageService, caller: Caller, *paths: str) -> dict[str, bytes | None]:
    with closing(packages.open(caller, [at(path) for path in paths], ArchiveFormat.TAR)) as one:
        archive = b"".join(one.chunks())
        assert len(archive) == one.length
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as opened:
        return {
            member.name: part.read() if (part := opened.extractfile(member)) else None
            for member in opened
            if not member.issym()
        }


def test_folders_longer_than_a_page_are_listed_whole(
    space: ByteSpace, packages: PackageService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(package_plan, "PAGE", 3)
    for folder in ("d", "d/a", "d/b"):
        space.tree.mkdir(f"/alice/{folder}")
        for number in range(7):
            space.put(f"/alice/{folder}/f{number}", b"%d" % number)

    found = _fetched(packages, space.alice, "/alice/d")

    assert len(found) == 3 + 21
    assert found["d/b/f6"] == b"6"


def test_the_whole_space_is_called_like_the_service(
    space: ByteSpace, packages: PackageService
) -> None:
    space.put("/alice/f", b"1")

    assert _names(space, packages, "/") == ["vault", "vault/alice", "vault/alice/f"]
    assert _names(space, packages, "/alice", "/alice", "/alice/f") == ["alice", "alice/f", "f"]


def test_a_content_is_sent_as_it_was_listed(space: ByteSpace, packages: PackageService) -> None:
    space.tree.mkdir("/alice/d")
    space.put("/alice/d/f", b"old")
    space.put("/alice/d/g", b"old too")
    with closing(packages.open(space.alice, [at("/alice/d")], ArchiveFormat.TAR)) as package:
        space.put("/alice/d/f", b"new and longer")
        space.delete("/alice/d/g")
        archive = b"".join(package.chunks())

    assert len(archive) == package.length
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        parts = [opened.extractfile(name) for name in ("d/f", "d/g")]
        assert [part.read() for part in parts if part] == [b"old", b"old too"]


def test_a_content_that_is_gone_ends_the_stream_short(
    space: ByteSpace, packages: PackageService
) -> None:
    space.put("/alice/f", b"old")
    with closing(packages.open(space.alice, [at("/alice/f")], ArchiveFormat.ZIP)) as package:
        space.store.delete(ObjectKey(space.content("/alice/f").object_key))
        with pytest.raises(StoreError):
            list(package.chunks())


def test_links_that_lead_up_and_round_come_to_an_end(
    space: ByteSpace, packages: PackageService
) -> None:
    for folder in ("p", "q", "q/r"):
        space.tree.mkdir(f"/alice/{folder}")
    space.tree.link("/alice/p/out", "/alice/q/r")
    space.tree.link("/alice/q/r/up", "/alice/q")
    space.tree.link("/alice/q/top", "/alice")
    space.tree.link("/alice/p/loop", "/alice/p/pool")
    space.tree.link("/alice/p/pool", "/alice/p/loop")
    space.put("/alice/q/f", b"1")

    found = _fetched(packages, space.alice, "/alice/p")

    assert found["p/out/up/f"] == b"1"
    assert {"p", "p/out", "p/out/up", "p/out/up/top"} <= found.keys()
    assert not {"p/loop", "p/pool"} & found.keys()
    assert len(found) < 20


def test_too_many_nodes_are_refused_with_a_sentence(
    space: ByteSpace, packages: PackageService, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        space.put(f"/alice/f{number}", b"")
    monkeypatch.setattr(package_plan, "MAX_ENTRIES", 4)

    with pytest.raises(InvalidArgument, match="ask for its parts"):
        packages.open(space.alice, [at("/alice")], ArchiveFormat.TAR)


def test_links_out_to_too_many_containers_are_refused(
    space: ByteSpace, packages: PackageService, monkeypatch: pytest.MonkeyPatch
) -> None:
    space.tree.mkdir("/alice/p")
    for number in range(3):
        space.tree.mkdir(f"/alice/d{number}")
        space.tree.link(f"/alice/p/l{number}", f"/alice/d{number}")
    monkeypatch.setattr(package_plan, "MAX_ROOTS", 3)

    with pytest.raises(InvalidArgument, match="containers outside"):
        packages.open(space.alice, [at("/alice/p")], ArchiveFormat.TAR)
