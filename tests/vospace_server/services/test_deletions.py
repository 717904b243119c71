"""DeletionService: what goes, what stays, and what is left for the collector."""

import pytest

from tests.vospace_server.services.tree_space import GROUP, TreeSpace, at
from vospace_model.faults import (
    ContainerNotFound,
    InvalidArgument,
    NodeNotFound,
    PermissionDenied,
)
from vospace_model.nodes import NodeType
from vospace_model.properties import Cadc, Core
from vospace_server.domain.identity import OPERATOR, Caller
from vospace_server.domain.node_record import NewNode


def delete(
    space: TreeSpace, path: str, caller: Caller | None = None, *, recursive: bool = False
) -> None:
    space.deletions.delete(caller or space.alice, at(path), recursive=recursive)


def rows(space: TreeSpace) -> int:
    """Rows of `node`, the root and /alice included."""
    with space.database.read() as unit:
        return unit.nodes.count()


def test_a_deleted_node_is_gone_with_its_size_and_charge(each_space: TreeSpace) -> None:
    each_space.put("/alice/f", 10)
    each_space.sizes.fold_all()

    delete(each_space, "/alice/f")

    with pytest.raises(NodeNotFound):
        each_space.get("/alice/f")
    assert (each_space.get("/alice").record.length, each_space.used()) == (0, (0, 0))


def test_an_empty_container_is_deleted(each_space: TreeSpace) -> None:
    each_space.mkdir("/alice/d", title="T")

    delete(each_space, "/alice/d")

    assert each_space.names("/alice") == []


def test_a_container_that_is_not_empty_stays(each_space: TreeSpace) -> None:
    each_space.mkdir("/alice/d")
    each_space.touch("/alice/d/f")

    with pytest.raises(InvalidArgument) as caught:
        delete(each_space, "/alice/d")

    assert caught.value.detail == "container node '/alice/d' is not empty"


def test_a_link_is_deleted_and_not_its_target(space: TreeSpace) -> None:
    space.touch("/alice/f")
    space.link("/alice/l", "/alice/f")

    delete(space, "/alice/l")

    assert space.names("/alice") == ["f"]


def test_what_is_missing_is_said(space: TreeSpace) -> None:
    with pytest.raises(NodeNotFound):
        delete(space, "/alice/x")
    with pytest.raises(ContainerNotFound):
        delete(space, "/alice/no/x")
    with pytest.raises(PermissionDenied):
        delete(space, "/", OPERATOR)


def test_deleting_needs_the_container_and_not_the_node(space: TreeSpace) -> None:
    space.set("/alice", {Core.ISPUBLIC: "true"})
    bob = space.user("bob", groups=[GROUP])
    space.touch("/alice/f", groupwrite=GROUP)
    space.mkdir("/alice/d", groupwrite=GROUP)
    space.touch("/alice/d/g")

    with pytest.raises(PermissionDenied):
        delete(space, "/alice/f", bob)
    delete(space, "/alice/d/g", bob)

    assert space.names("/alice/d") == []


@pytest.mark.parametrize("flag", [Cadc.ISLOCKED, Core.IMMUTABLE])
def test_what_is_locked_or_immutable_stays_and_so_do_its_entries(
    space: TreeSpace, flag: str
) -> None:
    space.mkdir("/alice/d")
    space.touch("/alice/d/f")
    space.set("/alice/d", {flag: "true"})

    for path in ("/alice/d/f", "/alice/d"):
        with pytest.raises(PermissionDenied):
            delete(space, path)


# ---------------------------------------------------------------- whole trees


@pytest.fixture
def wood(each_space: TreeSpace) -> TreeSpace:
    """A tree of 5 containers and 4 files of 10 bytes at /alice/t."""
    for path in ("/alice/t", "/alice/t/a", "/alice/t/a/b", "/alice/t/c", "/alice/t/e"):
        each_space.mkdir(path)
    for path in ("/alice/t/1", "/alice/t/a/2", "/alice/t/a/b/3", "/alice/t/c/4"):
        each_space.put(path, 10)
    return each_space


@pytest.mark.parametrize("folded_first", [False, True])
def test_a_tree_vanishes_at_once_with_its_size_and_charge(
    wood: TreeSpace, folded_first: bool
) -> None:
    if folded_first:
        wood.sizes.fold_all()

    delete(wood, "/alice/t", recursive=True)

    assert wood.names("/alice") == []
    assert wood.used() == (0, 0)
    wood.sizes.fold_all()
    assert wood.get("/alice").record.length == 0


def test_the_rows_of_a_tree_are_removed_in_batches(wood: TreeSpace) -> None:
    delete(wood, "/alice/t", recursive=True)
    before = rows(wood)

    removed = wood.deletions.collect_once(limit=2)
    between = rows(wood)
    wood.collect()

    assert before - between == removed < 9
    assert (rows(wood), wood.deletions.collect_once()) == (2, 0)
    assert (wood.used(), wood.sizes.exact(1)) == ((0, 0), (0, 0))


def test_a_name_is_free_again_at_once(wood: TreeSpace) -> None:
    delete(wood, "/alice/t", recursive=True)
    wood.mkdir("/alice/t")
    wood.put("/alice/t/x", 5)
    wood.collect()

    assert (wood.names("/alice/t"), wood.used()) == (["x"], (5, 1))


def test_a_file_is_deleted_recursively_as_well(space: TreeSpace) -> None:
    space.put("/alice/f", 10)

    delete(space, "/alice/f", recursive=True)

    assert (space.names("/alice"), space.used()) == ([], (0, 0))


@pytest.mark.parametrize("path", ["/alice/t/a/b", "/alice/t/c/4"])
def test_a_tree_that_holds_a_lock_stays_whole(wood: TreeSpace, path: str) -> None:
    wood.set(path, {Cadc.ISLOCKED: "true"})

    with pytest.raises(PermissionDenied, match="locked"):
        delete(wood, "/alice/t", recursive=True)

    assert wood.names("/alice/t") == ["1", "a", "c", "e"]


def test_a_tree_that_holds_what_others_may_not_write_stays_whole(space: TreeSpace) -> None:
    space.set("/alice", {Core.ISPUBLIC: "true"})
    bob = space.user("bob", groups=[GROUP])
    space.mkdir("/alice/shared", groupwrite=GROUP)
    space.mkdir("/alice/shared/d", groupwrite=GROUP)
    space.mkdir("/alice/shared/d/closed")
    space.touch("/alice/shared/d/file")

    with pytest.raises(PermissionDenied, match="may not write"):
        delete(space, "/alice/shared/d", bob, recursive=True)
    delete(space, "/alice/shared/d/closed", bob)
    delete(space, "/alice/shared/d", bob, recursive=True)

    assert space.names("/alice/shared") == []


def test_a_tree_that_holds_allocations_stays_whole(space: TreeSpace) -> None:
    space.allocate("/homes/bob", space.alice, quota_bytes=10)

    with pytest.raises(InvalidArgument, match="allocations"):
        delete(space, "/homes", OPERATOR, recursive=True)


@pytest.mark.parametrize("recursive", [False, True])
def test_an_allocation_ends_with_its_container(each_space: TreeSpace, recursive: bool) -> None:
    if recursive:
        each_space.put("/alice/f", 10)

    delete(each_space, "/alice", OPERATOR, recursive=recursive)
    each_space.collect()

    assert (each_space.allocations.list(), rows(each_space)) == ([], 1)


def test_what_was_written_while_a_tree_was_cut_off_is_given_back_at_the_end(
    space: TreeSpace,
) -> None:
    space.mkdir("/alice/t")
    space.put("/alice/t/f", 10)
    parent = space.get("/alice/t").record
    delete(space, "/alice/t", recursive=True)
    with space.database.write() as unit:
        late = NewNode(
            parent_id=parent.node_id,
            name="late",
            kind=NodeType.DATA,
            owner_id=space.alice.user_id,
        )
        unit.nodes.add_all([late], space.clock())
        unit.allocations.charge(1, 0, 0, 1)

    between = space.used()
    space.collect()

    assert (between, space.used()) == ((0, 1), (0, 0))
