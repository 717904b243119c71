"""Reading many files at once gives for each what asking for it alone would."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.vospace_server.services.byte_space import ByteSpace
from tests.vospace_server.services.tree_space import at
from vospace_model.faults import Fault
from vospace_server.domain.content import Content
from vospace_server.domain.identity import ANONYMOUS, Caller
from vospace_server.storage.filesystem import FilesystemStore

PATHS = (
    "/alice/a/none",
    "/alice/a/f1",
    "/alice/a/f2",
    "/alice/a/link",
    "/alice/a/f3",
    "/alice/a/broken",
    "/alice/a/empty",
    "/alice/a/folder",
    "/alice/b/f1",
    "/alice/way/f2",
    "/alice/way/f3",
    "/alice/way/none",
    "/alice/nowhere/f1",
    "/alice/nowhere/f2",
    "/",
    "/alice/a/f1",
)


@pytest.fixture
def space(database_url: str, tmp_path: Path) -> Iterator[ByteSpace]:
    store = FilesystemStore(tmp_path / "objects")
    with closing(ByteSpace(database_url, store)) as opened:
        opened.tree.mkdir("/alice/a")
        opened.tree.mkdir("/alice/a/folder")
        opened.tree.mkdir("/alice/b")
        opened.tree.touch("/alice/a/empty")
        opened.tree.link("/alice/a/link", "/alice/b/f1")
        opened.tree.link("/alice/a/broken", "/alice/b/none")
        opened.tree.link("/alice/way", "/alice/a")
        for path in ("/alice/a/f1", "/alice/a/f2", "/alice/a/f3", "/alice/b/f1"):
            opened.put(path, path.encode())
        yield opened


def alone(space: ByteSpace, caller: Caller, path: str) -> Content | tuple[str, str] | None:
    try:
        return space.reading.open(caller, at(path)).ticket.content
    except Fault as fault:
        return fault.name, fault.detail


def together(
    space: ByteSpace, caller: Caller, paths: tuple[str, ...]
) -> list[Content | tuple[str, str] | None]:
    tickets = space.reading.open_many(caller, [at(path) for path in paths])
    return [
        (each.name, each.detail) if isinstance(each, Fault) else each.content
        for each in tickets
    ]


def test_many_are_opened_as_each_alone(space: ByteSpace) -> None:
    for caller in (space.alice, ANONYMOUS):
        assert together(space, caller, PATHS) == [alone(space, caller, p) for p in PATHS]


def test_a_link_that_comes_first_does_not_lead_its_neighbours_astray(space: ByteSpace) -> None:
    space.put("/alice/b/f2", b"another f2")
    space.tree.link("/alice/a/x", "/alice/b/x")
    space.put("/alice/b/x", b"x")
    paths = ("/alice/a/x", "/alice/a/f2", "/alice/a/f1")

    assert together(space, space.alice, paths) == [alone(space, space.alice, p) for p in paths]
