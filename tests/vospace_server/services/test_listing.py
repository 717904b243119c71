"""ListingService: everything, in order, from a name on, and whole trees."""

from collections.abc import Iterable

import pytest

from tests.vospace_server.services.tree_space import TreeSpace, at
from vospace_model.faults import InvalidURI, NodeNotFound
from vospace_model.nodes import NodeType
from vospace_model.properties import Core
from vospace_server.database.schema import ROOT_ID
from vospace_server.domain.identity import ANONYMOUS
from vospace_server.domain.node_record import NewNode, SortKey
from vospace_server.services.listing import Descendant, Ordering


def fill(space: TreeSpace, path: str, names: Iterable[str]) -> None:
    """Many data nodes at once."""
    parent = space.get(path).record
    with space.database.write() as unit:
        for name in names:
            new = NewNode(
                parent_id=parent.node_id,
                name=name,
                kind=NodeType.DATA,
                owner_id=space.alice.user_id,
            )
            unit.nodes.add_all([new], space.clock())


def listed(space: TreeSpace, path: str, **how: object) -> list[str]:
    listing = space.listing.children(space.alice, at(path), **how)  # type: ignore[arg-type]
    return [child.record.name for child in listing.children]


def test_all_children_are_listed_in_the_order_of_their_names(each_space: TreeSpace) -> None:
    names = [f"n{number:04}" for number in range(2500)]
    fill(each_space, "/alice", reversed(names))

    assert listed(each_space, "/alice") == names


@pytest.mark.parametrize("limit", [0, 1, 199, 200, 201, 1200, 1201, 3000])
def test_a_limit_is_met_exactly(space: TreeSpace, limit: int) -> None:
    names = [f"n{number:04}" for number in range(1500)]
    fill(space, "/alice", names)

    assert listed(space, "/alice", limit=limit) == names[:limit]


def test_a_listing_starts_with_the_child_that_is_named(each_space: TreeSpace) -> None:
    names = [f"n{number:04}" for number in range(1500)]
    fill(each_space, "/alice", names)

    assert listed(each_space, "/alice", start="n0999", limit=1000) == names[999:]
    assert listed(each_space, "/alice", start="n0999", limit=2) == ["n0999", "n1000"]
    assert listed(each_space, "/alice", start="n0999", limit=0) == []


@pytest.mark.parametrize("start", ["nobody", "", "alice"])
def test_a_start_that_is_no_child_is_an_invalid_uri(space: TreeSpace, start: str) -> None:
    with pytest.raises(InvalidURI):
        space.listing.children(space.alice, at("/alice"), start=start)


def test_an_unreadable_container_is_shown_without_children(space: TreeSpace) -> None:
    space.touch("/alice/f")

    listing = space.listing.children(ANONYMOUS, at("/alice"))

    assert not listing.container.readable
    assert list(listing.children) == []


def test_unreadable_children_are_listed(space: TreeSpace) -> None:
    space.set("/alice", {Core.ISPUBLIC: "true"})
    space.touch("/alice/f")

    children = list(space.listing.children(ANONYMOUS, at("/alice")).children)

    assert [(child.record.name, child.readable) for child in children] == [("f", False)]


def test_a_file_has_no_children(space: TreeSpace) -> None:
    space.touch("/alice/f")

    assert listed(space, "/alice/f") == []


def test_what_is_missing_is_said_before_iterating(space: TreeSpace) -> None:
    with pytest.raises(NodeNotFound):
        space.listing.children(space.alice, at("/alice/x"))


@pytest.mark.parametrize(
    ("ordering", "expected"),
    [
        (Ordering(), ["a", "b", "c", "d"]),
        (Ordering(descending=True), ["d", "c", "b", "a"]),
        (Ordering(key=SortKey.LENGTH), ["c", "a", "d", "b"]),
        (Ordering(key=SortKey.LENGTH, descending=True), ["b", "d", "a", "c"]),
        (Ordering(key=SortKey.DATE), ["c", "b", "a", "d"]),
        (Ordering(key=SortKey.DATE, descending=True), ["d", "a", "b", "c"]),
    ],
)
def test_a_listing_is_sorted_by_name_length_or_date(
    each_space: TreeSpace, ordering: Ordering, expected: list[str]
) -> None:
    for name, length in (("c", 0), ("b", 30), ("a", 10)):
        each_space.put(f"/alice/{name}", length)
    each_space.mkdir("/alice/d")
    each_space.put("/alice/d/x", 20)
    each_space.sizes.fold_all()

    assert listed(each_space, "/alice", ordering=ordering) == expected
    assert listed(each_space, "/alice", ordering=ordering, start=expected[1]) == expected[1:]
    assert listed(each_space, "/alice", ordering=ordering, limit=2) == expected[:2]


def test_children_show_their_own_properties_and_quota(space: TreeSpace) -> None:
    space.touch("/alice/f", title="T")
    space.touch("/alice/g")

    first, second = space.listing.children(space.alice, at("/alice")).children
    (top,) = space.listing.children(space.alice, at("/")).children

    assert (first.own_properties, second.own_properties) == ({Core.TITLE: "T"}, {})
    assert top.usage is not None


def test_a_child_that_goes_while_it_is_listed_is_left_out(space: TreeSpace) -> None:
    fill(space, "/alice", [f"n{number:04}" for number in range(1000)])
    children = space.listing.children(space.alice, at("/alice")).children

    first = next(children)
    space.deletions.delete(space.alice, at("/alice/n0999"))

    assert first.record.name == "n0000"
    assert [child.record.name for child in children][-1] == "n0998"


# ---------------------------------------------------------------- whole trees


@pytest.fixture
def wood(space: TreeSpace) -> TreeSpace:
    """Some containers in containers."""
    for path in ("/alice/b", "/alice/b/d", "/alice/b/d/e", "/alice/z"):
        space.mkdir(path)
    for path in ("/alice/a", "/alice/b/c", "/alice/b/d/e/f", "/alice/z/y"):
        space.touch(path)
    return space


def lines(descendants: Iterable[Descendant]) -> list[tuple[str, bool]]:
    return [("/".join(each.names), each.listed) for each in descendants]


def test_a_tree_is_listed_containers_first(wood: TreeSpace) -> None:
    found = lines(wood.listing.descendants(wood.alice, at("/alice"), depth=None))

    assert found == [
        ("", True),
        ("a", False),
        ("b", True),
        ("b/c", False),
        ("b/d", True),
        ("b/d/e", True),
        ("b/d/e/f", False),
        ("z", True),
        ("z/y", False),
    ]


@pytest.mark.parametrize(
    ("depth", "expected"),
    [
        (0, [("", False)]),
        (1, [("", True), ("a", False), ("b", False), ("z", False)]),
        (
            2,
            [
                ("", True),
                ("a", False),
                ("b", True),
                ("b/c", False),
                ("b/d", False),
                ("z", True),
                ("z/y", False),
            ],
        ),
    ],
)
def test_a_tree_is_listed_down_to_a_depth(
    wood: TreeSpace, depth: int, expected: list[tuple[str, bool]]
) -> None:
    assert lines(wood.listing.descendants(wood.alice, at("/alice"), depth=depth)) == expected


def test_a_tree_is_listed_up_to_a_limit_and_after_a_name(wood: TreeSpace) -> None:
    limited = wood.listing.descendants(wood.alice, at("/alice"), depth=None, limit=3)
    later = wood.listing.descendants(wood.alice, at("/alice"), depth=None, after="b")

    assert [name for name, _ in lines(limited)] == ["", "a", "b", "b/c"]
    assert [name for name, _ in lines(later)] == ["", "z", "z/y"]


def test_an_unreadable_container_of_a_tree_is_not_listed(wood: TreeSpace) -> None:
    for path in ("/alice", "/alice/b"):
        wood.set(path, {Core.ISPUBLIC: "true"})

    found = lines(wood.listing.descendants(ANONYMOUS, at("/alice"), depth=None))

    assert ("b", True) in found
    assert ("b/d", False) in found
    assert ("b/d/e", False) not in found


def test_the_tree_of_a_file_is_itself(wood: TreeSpace) -> None:
    assert lines(wood.listing.descendants(wood.alice, at("/alice/a"))) == [("", False)]


def test_links_in_a_tree_are_not_followed(wood: TreeSpace) -> None:
    wood.link("/alice/z/loop", "/alice")

    found = lines(wood.listing.descendants(wood.alice, at("/alice/z"), depth=None))

    assert found == [("", True), ("loop", False), ("y", False)]


def test_a_tree_of_any_depth_is_listed(space: TreeSpace) -> None:
    with space.database.write() as unit:
        parent = ROOT_ID
        for level in range(300):
            new = NewNode(
                parent_id=parent,
                name=f"d{level}",
                kind=NodeType.CONTAINER,
                owner_id=0,
                public=True,
            )
            (parent,) = unit.nodes.add_all([new], space.clock())
            unit.sizes.add_all([parent])

    found = lines(space.listing.descendants(ANONYMOUS, at("/d0"), depth=None))

    assert len(found) == 300
