"""AllocationService: who has how much, and how full it is."""

import pytest

from tests.vospace_server.services.tree_space import TreeSpace, at
from vospace_model.faults import (
    ContainerNotFound,
    DuplicateNode,
    InvalidArgument,
    PermissionDenied,
    QuotaExceeded,
)
from vospace_server.domain.identity import ANONYMOUS, OPERATOR


def test_an_allocation_is_made_with_the_containers_above_it(each_space: TreeSpace) -> None:
    bob = each_space.user("bob")

    made = each_space.allocations.add(
        OPERATOR, at("/homes/of/bob"), owner_id=bob.user_id, quota_bytes=100, quota_files=5
    )

    assert (str(made.path), made.owner_name) == ("/homes/of/bob", "bob")
    assert (made.usage.quota_bytes, made.usage.quota_files) == (100, 5)
    assert each_space.get("/homes/of", bob).record.public
    assert each_space.put("/homes/of/bob/f", 10, bob).created


def test_a_container_that_exists_becomes_an_allocation_with_what_it_holds(
    each_space: TreeSpace,
) -> None:
    bob = each_space.user("bob")
    each_space.mkdir("/old", OPERATOR)
    each_space.mkdir("/old/d", OPERATOR)
    each_space.put("/old/d/f", 70, OPERATOR)

    number = each_space.allocate("/old", bob, quota_bytes=100)

    assert each_space.used(number) == (70, 1)
    with pytest.raises(QuotaExceeded):
        each_space.put("/old/g", 31, bob)


def test_a_container_that_holds_more_than_the_quota_is_refused(space: TreeSpace) -> None:
    space.mkdir("/old", OPERATOR)
    space.put("/old/f", 101, OPERATOR)

    with pytest.raises(QuotaExceeded):
        space.allocate("/old", space.alice, quota_bytes=100)

    assert len(space.allocations.list()) == 1


def test_allocations_are_for_administrators(space: TreeSpace) -> None:
    with pytest.raises(PermissionDenied):
        space.allocations.add(
            space.alice, at("/alice/mine"), owner_id=space.alice.user_id, quota_bytes=None
        )
    with pytest.raises(PermissionDenied):
        space.allocations.set(space.alice, at("/alice"), quota_bytes=None)


def test_allocations_do_not_nest(space: TreeSpace) -> None:
    space.allocate("/homes/bob", space.alice, quota_bytes=10)

    with pytest.raises(DuplicateNode):
        space.allocate("/alice", space.alice, quota_bytes=10)
    for path in ("/alice/inner", "/homes", "/"):
        with pytest.raises(InvalidArgument):
            space.allocate(path, space.alice, quota_bytes=10)


def test_a_file_is_no_allocation(space: TreeSpace) -> None:
    space.touch("/file", OPERATOR)

    with pytest.raises(ContainerNotFound):
        space.allocate("/file", space.alice, quota_bytes=10)


def test_a_quota_is_changed_and_lifted(each_space: TreeSpace) -> None:
    each_space.put("/alice/f", 500)
    small = each_space.allocations.set(OPERATOR, at("/alice"), quota_bytes=100)
    assert (small.usage.available_bytes, small.usage.warning_percent) == (0, 100)
    with pytest.raises(QuotaExceeded):
        each_space.put("/alice/g", 1)

    lifted = each_space.allocations.set(OPERATOR, at("/alice"), quota_bytes=None)
    each_space.put("/alice/g", 10**15)

    assert lifted.usage.available_bytes is None
    assert each_space.used() == (10**15 + 500, 2)


def test_what_is_above_its_quota_can_still_shrink(each_space: TreeSpace) -> None:
    each_space.put("/alice/f", 500)
    each_space.allocations.set(OPERATOR, at("/alice"), quota_bytes=100)

    each_space.put("/alice/f", 300)
    each_space.put("/alice/f", 50)

    assert each_space.used() == (50, 1)
    each_space.put("/alice/g", 50)


def test_a_quota_of_something_else_can_not_be_set(space: TreeSpace) -> None:
    space.mkdir("/alice/d")

    with pytest.raises(InvalidArgument, match="is not an allocation"):
        space.allocations.set(OPERATOR, at("/alice/d"), quota_bytes=1)


def test_the_allocation_of_a_path_is_found(each_space: TreeSpace) -> None:
    each_space.mkdir("/alice/d")
    each_space.link("/alice/l", "/alice/d")
    lookup = each_space.allocations.lookup

    found = [
        lookup(each_space.alice, at(path)) for path in ("/alice", "/alice/l", "/alice/d/x")
    ]

    assert {each.allocation_id for each in found if each} == {1}
    assert lookup(ANONYMOUS, at("/")) is None


def test_allocations_are_listed_by_path(space: TreeSpace) -> None:
    space.allocate("/aaa", space.alice, quota_bytes=None)

    assert [str(each.path) for each in space.allocations.list()] == ["/aaa", "/alice"]
