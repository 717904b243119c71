"""Nodes that are made together: what each is answered, and that all of it counts."""

from collections.abc import Sequence

import pytest

from tests.vospace_server.services.tree_space import TreeSpace, uri
from vospace_model.faults import (
    ContainerNotFound,
    DuplicateNode,
    Fault,
    InvalidArgument,
    InvalidURI,
    PermissionDenied,
    QuotaExceeded,
    ServiceBusy,
)
from vospace_model.nodes import ContainerNode, DataNode, LinkNode, Node
from vospace_model.properties import Core, Property
from vospace_model.uris import NodePath, VosUri
from vospace_server.database.nodes import NodeRepository
from vospace_server.domain.identity import Caller
from vospace_server.domain.node_record import NodeRecord
from vospace_server.domain.node_view import NodeView


def files(*names: str) -> list[Node]:
    return [DataNode(uri=uri(f"/alice/{name}")) for name in names]


def outcomes(
    space: TreeSpace, nodes: list[Node], caller: Caller | None = None
) -> list[str | type[Exception]]:
    """The names that were made, and the faults, in the order asked for."""
    made = space.nodes.create_all(caller or space.alice, nodes)
    return [each.path.name if isinstance(each, NodeView) else type(each) for each in made]


def test_each_is_answered_as_if_it_were_made_alone(each_space: TreeSpace) -> None:
    space = each_space
    space.touch("/alice/there")
    coloured = Property(uri="ivo://example.org/colour", value="red")
    nodes = [
        DataNode(uri=uri("/alice/f"), properties=(coloured,)),
        DataNode(uri=uri("/alice/there")),
        ContainerNode(uri=uri("/alice/d")),
        DataNode(uri=uri("/alice/f")),
        LinkNode(uri=uri("/alice/l"), target=""),
        DataNode(uri=uri("/alice/.auto")),
    ]

    made = space.nodes.create_all(space.alice, nodes)

    assert [type(each) for each in made] == [
        NodeView,
        DuplicateNode,
        NodeView,
        DuplicateNode,
        InvalidArgument,
        NodeView,
    ]
    views = [each for each in made if isinstance(each, NodeView)]
    assert views == [space.get(str(each.path)) for each in views]
    assert views[0].own_properties == {coloured.uri: "red"}


def test_all_of_them_count(each_space: TreeSpace) -> None:
    space = each_space
    few = space.allocate("/few", space.alice, quota_bytes=None, files=10)
    nodes: list[Node] = [DataNode(uri=uri(f"/few/{n}")) for n in range(3)]
    nodes.append(ContainerNode(uri=uri("/few/d")))

    outcomes(space, nodes)

    space.sizes.fold_all()
    assert space.used(few) == (0, 3)
    assert space.get("/few").record.files == 3
    with space.database.read() as unit:
        logged = [line.path for line in unit.changes.since(0, limit=100)]
    assert logged[-4:] == ["/few/0", "/few/1", "/few/2", "/few/d"]


def test_those_that_fit_are_made(each_space: TreeSpace) -> None:
    space = each_space
    few = space.allocate("/few", space.alice, quota_bytes=None, files=2)
    nodes: list[Node] = [DataNode(uri=uri(f"/few/{n}")) for n in range(4)]

    assert outcomes(space, nodes) == ["0", "1", QuotaExceeded, QuotaExceeded]

    assert space.used(few) == (0, 2)
    assert space.names("/few") == ["0", "1"]


@pytest.mark.parametrize(
    ("parent", "fault"), [("/no", ContainerNotFound), ("/public", PermissionDenied)]
)
def test_what_is_wrong_with_the_container_is_wrong_for_all(
    space: TreeSpace, parent: str, fault: type[Fault]
) -> None:
    bob = space.user("bob")
    space.allocate("/public", bob, quota_bytes=None)
    space.set("/public", {Core.ISPUBLIC: "true"}, bob)
    nodes: list[Node] = [DataNode(uri=uri(f"{parent}/{n}")) for n in range(3)]

    assert outcomes(space, nodes) == [fault] * 3


def test_what_belongs_elsewhere_spoils_nothing(space: TreeSpace) -> None:
    nodes = [*files("a"), DataNode(uri=uri("/alice/.null")), *files("b")]

    assert outcomes(space, nodes) == ["a", InvalidURI, "b"]


def test_an_unforeseen_failure_is_of_one_alone(
    space: TreeSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_path = space.tree.own_path

    def failing(named: VosUri) -> NodePath:
        if named.path.name == "bad":
            raise RuntimeError("unforeseen")
        return own_path(named)

    monkeypatch.setattr(space.tree, "own_path", failing)

    assert outcomes(space, files("a", "bad", "b")) == ["a", RuntimeError, "b"]


def test_a_busy_database_is_waited_for_once(
    space: TreeSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[None] = []

    def busy(*_: object, **__: object) -> None:
        waits.append(None)
        raise ServiceBusy("the database is busy", 2)

    monkeypatch.setattr(space.database, "retrying", busy)

    assert outcomes(space, files("a", "b", "c")) == [ServiceBusy] * 3
    assert len(waits) == 1


def test_somebody_faster_is_noticed(
    each_space: TreeSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that is taken between the look and the insertion is a duplicate, as any other."""
    space = each_space
    space.touch("/alice/a")
    look = NodeRepository.children_named
    looks: list[Sequence[str]] = []

    def late(
        nodes: NodeRepository, parent_id: int, names: Sequence[str]
    ) -> dict[str, NodeRecord]:
        looks.append(names)
        return {} if len(looks) == 1 else look(nodes, parent_id, names)

    monkeypatch.setattr(NodeRepository, "children_named", late)

    assert outcomes(space, files("b", "a", "c")) == ["b", DuplicateNode, "c"]
    assert len(looks) == 2
    assert space.names("/alice") == ["a", "b", "c"]
