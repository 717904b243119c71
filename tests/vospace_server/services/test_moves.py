"""MoveService: where a node goes, what gives way, what is refused."""

import pytest

from tests.vospace_server.services.tree_space import GROUP, TreeSpace, at
from vospace_model.faults import (
    ContainerNotFound,
    DuplicateNode,
    InvalidArgument,
    NodeNotFound,
    PermissionDenied,
    QuotaExceeded,
)
from vospace_model.properties import Cadc, Core
from vospace_model.uris import NodePath
from vospace_server.domain.identity import OPERATOR, Caller


def move(
    space: TreeSpace,
    source: str,
    destination: str,
    caller: Caller | None = None,
    *,
    exact: bool = False,
    overwrite: bool = False,
) -> NodePath:
    moved = space.moves.move(
        caller or space.alice, at(source), at(destination), exact=exact, overwrite=overwrite
    )
    return moved.path


def rename(space: TreeSpace, source: str, destination: str) -> NodePath:
    """As a mount does it."""
    return move(space, source, destination, exact=True, overwrite=True)


def test_a_node_gets_a_new_name(each_space: TreeSpace) -> None:
    before = each_space.put("/alice/f", 10).view.record

    assert str(move(each_space, "/alice/f", "/alice/g")) == "/alice/g"

    after = each_space.get("/alice/g").record
    assert (after.node_id, after.content_id) == (before.node_id, before.content_id)
    assert each_space.names("/alice") == ["g"]


def test_a_container_brings_what_is_in_it(each_space: TreeSpace) -> None:
    each_space.mkdir("/alice/a")
    each_space.mkdir("/alice/a/b")
    each_space.put("/alice/a/b/f", 10)
    each_space.mkdir("/alice/x")
    each_space.sizes.fold_all()

    move(each_space, "/alice/a", "/alice/x/y")

    assert each_space.get("/alice/x/y/b/f").record.length == 10
    assert (each_space.get("/alice/x").record.length, each_space.names("/alice")) == (10, ["x"])


def test_an_existing_container_receives_the_node_under_its_name(space: TreeSpace) -> None:
    space.touch("/alice/f")
    space.mkdir("/alice/d")

    assert str(move(space, "/alice/f", "/alice/d")) == "/alice/d/f"


def test_a_link_to_a_container_receives_it_too(space: TreeSpace) -> None:
    space.touch("/alice/f")
    space.mkdir("/alice/d")
    space.link("/alice/l", "/alice/d")

    assert str(move(space, "/alice/f", "/alice/l")) == "/alice/d/f"


def test_the_same_beginning_is_no_descent(space: TreeSpace) -> None:
    space.mkdir("/alice/a")
    space.mkdir("/alice/ab")

    assert str(move(space, "/alice/a", "/alice/ab/x")) == "/alice/ab/x"


@pytest.mark.parametrize(
    ("destination", "exact"),
    [("/alice/a", False), ("/alice/a/b", False), ("/alice/a/b/c", True), ("/alice/l/c", True)],
)
def test_a_container_does_not_go_below_itself(
    space: TreeSpace, destination: str, exact: bool
) -> None:
    space.mkdir("/alice/a")
    space.mkdir("/alice/a/b")
    space.link("/alice/l", "/alice/a/b")

    with pytest.raises(InvalidArgument) as caught:
        move(space, "/alice/a", destination, exact=exact, overwrite=exact)

    assert caught.value.detail == "Cannot move container node into its descendants"


@pytest.mark.parametrize(
    ("source", "destination"),
    [
        ("/alice/f", "/alice/g"),
        ("/alice/f", "/alice/f"),
        ("/alice/f", "/alice/d"),
        ("/alice/d", "/alice/g"),
    ],
)
def test_a_name_that_is_taken_is_duplicate(
    space: TreeSpace, source: str, destination: str
) -> None:
    space.mkdir("/alice/d")
    for path in ("/alice/f", "/alice/g", "/alice/d/f"):
        space.touch(path)

    with pytest.raises(DuplicateNode):
        move(space, source, destination)


def test_a_missing_source_or_parent_is_said(space: TreeSpace) -> None:
    space.touch("/alice/f")

    with pytest.raises(NodeNotFound):
        move(space, "/alice/x", "/alice/y")
    with pytest.raises(ContainerNotFound):
        move(space, "/alice/f", "/alice/no/y")


def test_a_move_needs_both_containers_and_not_the_node(space: TreeSpace) -> None:
    space.set("/alice", {Core.ISPUBLIC: "true"})
    bob = space.user("bob", groups=[GROUP])
    space.mkdir("/alice/open", ispublic="true", groupwrite=GROUP)
    space.mkdir("/alice/shut", ispublic="true")
    space.touch("/alice/open/f")
    space.touch("/alice/shut/mine", groupwrite=GROUP)

    with pytest.raises(PermissionDenied):
        move(space, "/alice/shut/mine", "/alice/open/mine", bob)
    with pytest.raises(PermissionDenied):
        move(space, "/alice/open/f", "/alice/shut/f", bob)

    assert str(move(space, "/alice/open/f", "/alice/open/g", bob)) == "/alice/open/g"


def test_what_is_locked_stays(space: TreeSpace) -> None:
    space.mkdir("/alice/d")
    for path in ("/alice/f", "/alice/d/g"):
        space.touch(path)
    space.set("/alice/f", {Cadc.ISLOCKED: "true"})
    space.set("/alice/d", {Cadc.ISLOCKED: "true"})

    for source in ("/alice/f", "/alice/d/g", "/alice/d"):
        with pytest.raises(PermissionDenied, match="locked"):
            move(space, source, "/alice/new")
    with pytest.raises(PermissionDenied, match="can't remove /: "):
        move(space, "/", "/alice/new", OPERATOR)


def test_the_mover_owns_what_comes_to_another_container(space: TreeSpace) -> None:
    space.set("/alice", {Core.ISPUBLIC: "true"})
    bob = space.user("bob", groups=[GROUP])
    for path in ("/alice/a", "/alice/b"):
        space.mkdir(path, groupwrite=GROUP)
    space.touch("/alice/a/f")

    move(space, "/alice/a/f", "/alice/a/g", bob)
    renamed = space.get("/alice/a/g").record
    move(space, "/alice/a/g", "/alice/b/g", bob)
    moved = space.get("/alice/b/g").record
    move(space, "/alice/b/g", "/alice/a/h", OPERATOR)

    assert (renamed.owner_name, moved.owner_name) == ("alice", "bob")
    assert space.get("/alice/a/h").record.owner_name == "bob"


# ---------------------------------------------------------------- over what is there


def test_a_file_replaces_a_file_at_once(each_space: TreeSpace) -> None:
    each_space.put("/alice/new", 30)
    each_space.put("/alice/old", 10)

    assert str(rename(each_space, "/alice/new", "/alice/old")) == "/alice/old"

    assert each_space.get("/alice/old").record.length == 30
    assert each_space.names("/alice") == ["old"]
    assert (each_space.get("/alice").record.length, each_space.used()) == (30, (30, 1))


def test_files_and_links_replace_each_other(space: TreeSpace) -> None:
    space.put("/alice/f", 5)
    space.link("/alice/l", "/alice/d")
    space.link("/alice/m", "/alice/f")

    rename(space, "/alice/l", "/alice/f")
    rename(space, "/alice/m", "/alice/f")

    assert space.get("/alice/f").record.target == "vos://localhost~vault/alice/f"
    assert space.used() == (0, 0)


def test_a_container_replaces_an_empty_container(each_space: TreeSpace) -> None:
    each_space.mkdir("/alice/a")
    each_space.put("/alice/a/f", 7)
    each_space.mkdir("/alice/empty")

    rename(each_space, "/alice/a", "/alice/empty")

    assert each_space.names("/alice/empty") == ["f"]
    assert each_space.names("/alice") == ["empty"]


@pytest.mark.parametrize(
    ("source", "destination"),
    [("/alice/f", "/alice/d"), ("/alice/d", "/alice/f"), ("/alice/d", "/alice/full")],
)
def test_what_can_not_give_way_is_duplicate(
    space: TreeSpace, source: str, destination: str
) -> None:
    space.mkdir("/alice/d")
    space.mkdir("/alice/full")
    space.touch("/alice/full/x")
    space.touch("/alice/f")

    with pytest.raises(DuplicateNode):
        rename(space, source, destination)

    assert space.names("/alice") == ["d", "f", "full"]


def test_a_rename_onto_itself_does_nothing(space: TreeSpace) -> None:
    before = space.put("/alice/f", 3).view.record

    rename(space, "/alice/f", "/alice/f")

    assert space.get("/alice/f").record == before


def test_what_is_locked_does_not_give_way(space: TreeSpace) -> None:
    space.touch("/alice/f")
    space.touch("/alice/g")
    space.set("/alice/g", {Cadc.ISLOCKED: "true"})

    with pytest.raises(PermissionDenied, match="locked"):
        rename(space, "/alice/f", "/alice/g")


def test_without_overwrite_an_exact_move_is_never_into(space: TreeSpace) -> None:
    space.touch("/alice/f")
    space.mkdir("/alice/d")

    with pytest.raises(DuplicateNode):
        move(space, "/alice/f", "/alice/d", exact=True)
    with pytest.raises(DuplicateNode):
        move(space, "/alice/f", "/", exact=True)


# ---------------------------------------------------------------- between allocations


def test_a_move_between_allocations_is_charged_to_the_new_one(each_space: TreeSpace) -> None:
    bobs = each_space.allocate("/alices2", each_space.alice, quota_bytes=100)
    each_space.mkdir("/alice/d")
    each_space.put("/alice/d/f", 60)
    each_space.put("/alice/g", 30)

    move(each_space, "/alice/d", "/alices2/d")
    move(each_space, "/alice/g", "/alices2/g")

    assert (each_space.used(), each_space.used(bobs)) == ((0, 0), (90, 2))


def test_a_move_into_a_full_allocation_is_refused_and_changes_nothing(
    each_space: TreeSpace,
) -> None:
    small = each_space.allocate("/small", each_space.alice, quota_bytes=50)
    each_space.mkdir("/alice/d")
    each_space.put("/alice/d/f", 60)

    with pytest.raises(QuotaExceeded, match="quota"):
        move(each_space, "/alice/d", "/small/d")

    assert each_space.names("/alice") == ["d"]
    assert (each_space.used(), each_space.used(small)) == ((60, 1), (0, 0))


def test_an_allocation_moves_with_its_charge_and_its_owner(space: TreeSpace) -> None:
    space.mkdir("/homes", OPERATOR, ispublic="true")
    space.put("/alice/f", 10)

    move(space, "/alice", "/homes", OPERATOR)

    assert space.get("/homes/alice").record.owner_name == "alice"
    assert space.used() == (10, 1)
    assert space.put("/homes/alice/g", 5).view.record.length == 5


def test_an_allocation_does_not_go_into_another(space: TreeSpace) -> None:
    space.allocate("/homes/bob", space.alice, quota_bytes=10)

    for source in ("/homes", "/homes/bob"):
        with pytest.raises(InvalidArgument, match="allocation"):
            move(space, source, "/alice/x", OPERATOR)


def test_a_move_is_logged_with_both_paths(space: TreeSpace) -> None:
    space.touch("/alice/f")
    move(space, "/alice/f", "/alice/g")

    with space.database.read() as unit:
        last = unit.changes.since(0, limit=100)[-1]

    assert (last.operation, last.path, last.former_path) == ("move", "/alice/g", "/alice/f")
