"""TrashService: what is deleted can be put back for a day, exactly as it was."""

import pytest

from tests.vospace_server.services.tree_space import TreeSpace, at
from vospace_model.faults import (
    ContainerNotFound,
    DuplicateNode,
    InvalidArgument,
    NodeNotFound,
    PermissionDenied,
    QuotaExceeded,
)
from vospace_model.properties import Cadc
from vospace_server.domain.identity import OPERATOR
from vospace_server.services.trash import KEPT_FOR, TrashService


def trash_of(space: TreeSpace) -> TrashService:
    """The service over a space."""
    return TrashService(tree=space.tree)


def furnish(space: TreeSpace) -> None:
    """/alice/d with 30 bytes in two files, one of them deeper."""
    space.mkdir("/alice/d")
    space.mkdir("/alice/d/e")
    space.put("/alice/d/f", 10)
    space.put("/alice/d/e/g", 20)
    space.sizes.fold_all()


def test_a_deleted_tree_comes_back_with_its_size_and_charge(each_space: TreeSpace) -> None:
    """Contract 5 row 106: what was deleted on a page can be put back."""
    furnish(each_space)
    trash = trash_of(each_space)

    receipt = trash.discard(each_space.alice, at("/alice/d"))
    each_space.sizes.fold_all()
    assert each_space.deletions.collect_once() == 0, "it is kept"
    assert (each_space.get("/alice").record.length, each_space.used()) == (0, (0, 0))
    with pytest.raises(NodeNotFound):
        each_space.get("/alice/d")
    back = trash.restore(each_space.alice, receipt.node_id)

    each_space.sizes.fold_all()
    assert str(back.path) == "/alice/d"
    assert each_space.names("/alice/d") == ["e", "f"]
    assert (each_space.get("/alice").record.length, each_space.used()) == (30, (30, 2))
    assert trash.kept(each_space.alice) == []


def test_a_deleted_file_comes_back(each_space: TreeSpace) -> None:
    each_space.put("/alice/f", 10)
    each_space.sizes.fold_all()
    trash = trash_of(each_space)

    receipt = trash.discard(each_space.alice, at("/alice/f"))
    assert (receipt.size_bytes, receipt.files, receipt.name) == (10, 1, "f")
    assert each_space.used() == (0, 0)
    trash.restore(each_space.alice, receipt.node_id)

    each_space.sizes.fold_all()
    assert (each_space.get("/alice").record.length, each_space.used()) == (10, (10, 1))


def test_when_the_time_is_over_the_collector_takes_it(each_space: TreeSpace) -> None:
    furnish(each_space)
    each_space.put("/alice/f", 5)
    trash = trash_of(each_space)
    tree = trash.discard(each_space.alice, at("/alice/d"))
    file = trash.discard(each_space.alice, at("/alice/f"))

    each_space.clock.advance(KEPT_FOR.total_seconds() + 1)
    while each_space.deletions.collect_once():
        pass

    for receipt in (tree, file):
        with pytest.raises(NodeNotFound):
            trash.restore(each_space.alice, receipt.node_id)
    with each_space.database.read() as unit:
        assert unit.nodes.count() == 2, "the root and /alice"
    each_space.sizes.fold_all()
    assert (each_space.get("/alice").record.length, each_space.used()) == (0, (0, 0))


def test_what_is_let_go_is_collected_at_once(space: TreeSpace) -> None:
    space.put("/alice/f", 10)
    trash = trash_of(space)
    receipt = trash.discard(space.alice, at("/alice/f"))

    trash.purge(space.alice, receipt.node_id)

    assert trash.kept(space.alice) == []
    assert space.deletions.collect_once() > 0
    with pytest.raises(NodeNotFound):
        trash.restore(space.alice, receipt.node_id)


def test_a_name_that_is_taken_meanwhile_is_not_written_over(space: TreeSpace) -> None:
    space.put("/alice/f", 10)
    trash = trash_of(space)
    receipt = trash.discard(space.alice, at("/alice/f"))
    space.put("/alice/f", 3)

    with pytest.raises(DuplicateNode):
        trash.restore(space.alice, receipt.node_id)

    assert space.get("/alice/f").record.length == 3
    assert [each.node_id for each in trash.kept(space.alice)] == [receipt.node_id]


def test_it_goes_to_where_its_container_is_now_or_nowhere(space: TreeSpace) -> None:
    furnish(space)
    trash = trash_of(space)
    receipt = trash.discard(space.alice, at("/alice/d/f"))
    space.moves.move(space.alice, at("/alice/d"), at("/alice/moved"))

    assert str(trash.kept(space.alice)[0].path) == "/alice/moved/f"
    space.deletions.delete(space.alice, at("/alice/moved"), recursive=True)

    assert trash.kept(space.alice)[0].path is None
    with pytest.raises(ContainerNotFound):
        trash.restore(space.alice, receipt.node_id)


def test_nobody_else_puts_it_back(space: TreeSpace) -> None:
    space.put("/alice/f", 10)
    bob = space.user("bob")
    trash = trash_of(space)
    receipt = trash.discard(space.alice, at("/alice/f"))

    with pytest.raises(PermissionDenied):
        trash.restore(bob, receipt.node_id)
    with pytest.raises(PermissionDenied):
        trash.purge(OPERATOR, receipt.node_id)
    assert trash.kept(bob) == []


def test_what_no_longer_fits_stays_in_the_trash(space: TreeSpace) -> None:
    space.put("/alice/f", 10)
    trash = trash_of(space)
    receipt = trash.discard(space.alice, at("/alice/f"))
    space.allocations.set(OPERATOR, at("/alice"), quota_bytes=5)

    with pytest.raises(QuotaExceeded):
        trash.restore(space.alice, receipt.node_id)

    assert space.used() == (0, 0)
    assert len(trash.kept(space.alice)) == 1


def test_what_is_locked_inside_and_allocations_are_not_deleted(space: TreeSpace) -> None:
    furnish(space)
    space.set("/alice/d/f", {Cadc.ISLOCKED: "true"})
    trash = trash_of(space)

    with pytest.raises(PermissionDenied):
        trash.discard(space.alice, at("/alice/d"))
    space.set("/alice/d/f", {Cadc.ISLOCKED: "false"})
    with pytest.raises(InvalidArgument):
        trash.discard(OPERATOR, at("/alice"))

    assert space.names("/alice") == ["d"]
