"""NodeRepository: one query for a path, rows kept exactly."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vospace_model.faults import InvalidURI
from vospace_model.nodes import NodeType
from vospace_model.uris import NodePath, check_name
from vospace_server.database.conflicts import ConflictError
from vospace_server.database.engine import Database
from vospace_server.database.schema import ROOT_ID
from vospace_server.domain.node_record import NewNode


def new(parent_id: int, name: str, kind: NodeType = NodeType.CONTAINER) -> NewNode:
    return NewNode(parent_id=parent_id, name=name, kind=kind, owner_id=0)


@pytest.fixture
def deep(database: Database) -> Database:
    """The path /a/b/c, and a file /a/f."""
    with database.write() as unit:
        parent = ROOT_ID
        for name in "abc":
            (parent,) = unit.nodes.add_all([new(parent, name)], 1)
        first = unit.nodes.child(ROOT_ID, "a")
        assert first is not None
        unit.nodes.add_all([new(first.node_id, "f", NodeType.DATA)], 1)
    return database


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/", [""]),
        ("/a/b/c", ["", "a", "b", "c"]),
        ("/a/b/x/y", ["", "a", "b"]),
        ("/a/f/x", ["", "a", "f"]),
        ("/x", [""]),
        ("/A", [""]),
    ],
)
def test_a_walk_goes_as_far_as_there_are_nodes(
    deep: Database, path: str, found: list[str]
) -> None:
    with deep.read() as unit:
        records = unit.nodes.walk(NodePath.parse(path))

    assert [record.name for record in records] == found


def test_a_node_is_put_back_together_from_its_row(database: Database) -> None:
    node = NewNode(
        parent_id=ROOT_ID,
        name="x",
        kind=NodeType.STRUCTURED,
        owner_id=7,
        public=True,
        locked=True,
        read_groups=("ivo://a/b?c", "ivo://a/b?d"),
        media_type="a/b",
        mtime_ns=-5,
    )
    with database.write() as unit:
        (node_id,) = unit.nodes.add_all([node], 2**62)
        unit.nodes.mark_busy(node_id, "upload", 99)

    with database.read() as unit:
        record = unit.nodes.by_id(node_id)

    assert record is not None
    assert (record.kind, record.owner_id, record.owner_name) == (NodeType.STRUCTURED, 7, "")
    assert (record.public, record.locked, record.inherit) == (True, True, False)
    assert (record.read_groups, record.write_groups) == (("ivo://a/b?c", "ivo://a/b?d"), ())
    assert (record.created_ns, record.mtime_ns, record.busy_until_ns) == (2**62, -5, 99)


def test_a_path_is_found_from_below(deep: Database) -> None:
    with deep.read() as unit:
        records = unit.nodes.walk(NodePath.parse("/a/b/c"))
        paths = [unit.nodes.path_of(record.node_id) for record in records]

        assert [str(path) for path in paths] == ["/", "/a", "/a/b", "/a/b/c"]
        assert unit.nodes.path_of(999) is None


def test_a_name_that_has_been_taken_is_a_conflict(deep: Database) -> None:
    with pytest.raises(ConflictError), deep._write() as unit:
        unit.nodes.add_all([new(ROOT_ID, "a")], 1)


def test_a_node_that_is_gone_can_not_be_changed(deep: Database) -> None:
    with deep.write() as unit:
        record = unit.nodes.walk(NodePath.parse("/a/f"))[-1]
        unit.nodes.remove([record.node_id])

        with pytest.raises(ConflictError):
            unit.nodes.relocate(record, 1)


def test_groups_in_use_follow_the_nodes(database: Database) -> None:
    with database.write() as unit:
        readable = NewNode(
            parent_id=ROOT_ID,
            name="x",
            kind=NodeType.DATA,
            owner_id=0,
            read_groups=("ivo://a/b?r",),
            write_groups=("ivo://a/b?w",),
        )
        (node_id,) = unit.nodes.add_all([readable], 1)
        assert unit.nodes.groups_in_use() == {"ivo://a/b?r", "ivo://a/b?w"}
        unit.nodes.remove([node_id])
        assert unit.nodes.groups_in_use() == set()


def test_orphans_are_found(deep: Database) -> None:
    with deep.write() as unit:
        middle = unit.nodes.walk(NodePath.parse("/a/b"))[-1]
        assert unit.nodes.orphans(limit=10) == []
        unit.nodes.remove([middle.node_id])
        assert [record.name for record in unit.nodes.orphans(limit=10)] == ["c"]


def is_name(text: str) -> bool:
    try:
        check_name(text)
    except InvalidURI:
        return False
    return True


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    names=st.lists(
        st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=60).filter(
            is_name
        ),
        min_size=1,
        max_size=4,
    )
)
def test_every_legal_name_is_walked_and_listed_as_it_is(
    database: Database, names: list[str]
) -> None:
    with database.write() as unit:
        parent = ROOT_ID
        for name in names:
            known = unit.nodes.child(parent, name)
            if known is None:
                (parent,) = unit.nodes.add_all([new(parent, name)], 1)
            else:
                parent = known.node_id

    with database.read() as unit:
        records = unit.nodes.walk(NodePath(tuple(names)))
        listed = unit.nodes.children(ROOT_ID, after="", limit=10_000)

    assert [record.name for record in records[1:]] == names
    in_order = [record.name for record in listed]
    assert in_order == sorted(in_order, key=str.encode)
