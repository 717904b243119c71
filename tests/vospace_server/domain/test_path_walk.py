"""Walking paths: what is missing, what a link does, what may not be entered."""

import pytest

from tests.vospace_server.domain.records import ROOT, record, user
from vospace_model.faults import (
    ContainerNotFound,
    InvalidArgument,
    LinkFound,
    NodeNotFound,
    NotAuthenticated,
    PermissionDenied,
    UnreadableLinkTarget,
)
from vospace_model.nodes import NodeType
from vospace_model.uris import NodePath
from vospace_server.domain.identity import ANONYMOUS, Identity
from vospace_server.domain.node_record import NodeRecord
from vospace_server.domain.path_walk import PathWalker
from vospace_server.domain.places import Absent, Found
from vospace_server.domain.token_scope import TokenScope

CALLER = user(5)


class Forest:
    """Nodes by their paths; walks as the database does."""

    def __init__(self) -> None:
        self._nodes: dict[tuple[str, ...], NodeRecord] = {(): ROOT}

    def add(
        self, path: str, kind: NodeType = NodeType.CONTAINER, **known: object
    ) -> NodeRecord:
        """A public node; its container must be there."""
        names = NodePath.parse(path).names
        parent = self._nodes[names[:-1]]
        made = record(
            len(self._nodes) + 1,
            names[-1],
            kind,
            **{"public": True, "parent_id": parent.node_id, **known},
        )
        self._nodes[names] = made
        return made

    def link(self, path: str, target: str, **known: object) -> NodeRecord:
        """A link to a path of this service, or to any URI."""
        uri = f"vos://localhost~vault{target}" if target.startswith("/") else target
        return self.add(path, NodeType.LINK, target=uri, **known)

    def walk(self, path: NodePath) -> tuple[NodeRecord, ...]:
        """The nodes on the path, as far as there are any."""
        found = []
        for depth in range(len(path) + 1):
            here = self._nodes.get(path.names[:depth])
            if here is None:
                break
            found.append(here)
        return tuple(found)

    def walker(self, *, strict_links: bool = False) -> PathWalker:
        """A walker of this forest."""
        return PathWalker(
            walk=self.walk, authority="localhost~vault", strict_links=strict_links
        )


@pytest.fixture
def forest() -> Forest:
    made = Forest()
    made.add("/d")
    made.add("/d/f", NodeType.DATA)
    return made


def path(text: str) -> NodePath:
    return NodePath.parse(text)


def test_the_root_is_found(forest: Forest) -> None:
    assert forest.walker().get(CALLER, path("/")).records == (ROOT,)


def test_a_node_is_found_with_all_above_it(forest: Forest) -> None:
    found = forest.walker().get(CALLER, path("/d/f"))

    assert [node.name for node in found.records] == ["", "d", "f"]


def test_a_missing_leaf_is_node_not_found(forest: Forest) -> None:
    with pytest.raises(NodeNotFound, match="/d/x"):
        forest.walker().get(CALLER, path("/d/x"))


@pytest.mark.parametrize("missing", ["/no/such/x", "/d/f/x", "/d/f/x/y"])
def test_a_missing_ancestor_is_the_fault_that_was_asked_for(
    forest: Forest, missing: str
) -> None:
    walker = forest.walker()

    with pytest.raises(NodeNotFound):
        walker.get(CALLER, path(missing))
    with pytest.raises(ContainerNotFound):
        walker.find(CALLER, path(missing), missing_parent=ContainerNotFound)


def test_a_free_name_is_absent_from_its_container(forest: Forest) -> None:
    place = forest.walker().find(CALLER, path("/d/x"))

    assert isinstance(place, Absent)
    assert (str(place.path), place.parent.node.name, place.by_link) == ("/d/x", "d", False)


def test_an_unreadable_ancestor_is_refused_before_anything_is_missing(forest: Forest) -> None:
    forest.add("/secret", public=False)

    with pytest.raises(PermissionDenied, match="/secret"):
        forest.walker().get(CALLER, path("/secret/x/y"))
    with pytest.raises(NotAuthenticated):
        forest.walker().get(ANONYMOUS, path("/secret/x"))


def test_an_unreadable_leaf_is_found(forest: Forest) -> None:
    forest.add("/secret", public=False)

    assert forest.walker().get(CALLER, path("/secret")).node.name == "secret"


def test_a_link_at_the_end_is_itself(forest: Forest) -> None:
    forest.link("/l", "/d")

    assert forest.walker().get(CALLER, path("/l")).node.is_link


def test_a_link_at_the_end_is_followed_when_asked(forest: Forest) -> None:
    forest.link("/l", "/d/f")

    found = forest.walker().get(CALLER, path("/l"), follow_leaf=True)

    assert str(found.path) == "/d/f"


def test_a_link_in_the_middle_is_followed(forest: Forest) -> None:
    forest.link("/l", "/d")

    assert str(forest.walker().get(CALLER, path("/l/f")).path) == "/d/f"


def test_a_link_is_not_followed_in_strict_mode(forest: Forest) -> None:
    forest.link("/l", "/d")
    walker = forest.walker(strict_links=True)

    with pytest.raises(LinkFound, match="/l is a link"):
        walker.get(CALLER, path("/l/f"))
    assert str(walker.get(CALLER, path("/l"), follow_leaf=True).path) == "/d"


def test_a_path_through_one_link_twice_is_no_circle(forest: Forest) -> None:
    forest.link("/l", "/d")
    forest.link("/d/l", "/d")

    found = forest.walker().get(CALLER, path("/l/l/f"))

    assert str(found.path) == "/d/f"


@pytest.mark.parametrize("asked", ["/a/x", "/a"])
def test_a_circle_of_links_is_an_unreadable_target(forest: Forest, asked: str) -> None:
    forest.link("/a", "/b")
    forest.link("/b", "/a")

    with pytest.raises(UnreadableLinkTarget, match="more than 20 links"):
        forest.walker().get(CALLER, path(asked), follow_leaf=True)


def test_twenty_links_are_followed_and_not_one_more(forest: Forest) -> None:
    for number in range(21):
        forest.link(f"/l{number}", "/d" if number == 20 else f"/l{number + 1}")
    walker = forest.walker()

    assert str(walker.get(CALLER, path("/l1/f")).path) == "/d/f"
    with pytest.raises(UnreadableLinkTarget):
        walker.get(CALLER, path("/l0/f"))


@pytest.mark.parametrize(
    "target", ["http://elsewhere.org/x", "vos://elsewhere~vault/d", "vos:no uri"]
)
def test_a_link_that_leads_away_is_named_and_not_followed(forest: Forest, target: str) -> None:
    forest.link("/ext", target)

    with pytest.raises(InvalidArgument) as caught:
        forest.walker().get(CALLER, path("/ext/x"))

    assert caught.value.detail == f"cannot navigate external link /ext -> {target}"


def test_both_separators_name_this_service(forest: Forest) -> None:
    forest.link("/l", "vos://localhost!vault/d")

    assert str(forest.walker().get(CALLER, path("/l/f")).path) == "/d/f"


def test_a_broken_link_is_an_unreadable_target(forest: Forest) -> None:
    forest.link("/l", "/gone")
    forest.link("/deep", "/gone/further")
    walker = forest.walker()

    with pytest.raises(UnreadableLinkTarget, match="/gone"):
        walker.get(CALLER, path("/l"), follow_leaf=True)
    with pytest.raises(UnreadableLinkTarget):
        walker.get(CALLER, path("/l/x"))
    with pytest.raises(UnreadableLinkTarget):
        walker.find(CALLER, path("/deep"), follow_leaf=True)


def test_the_target_of_a_broken_link_is_a_free_place(forest: Forest) -> None:
    forest.link("/l", "/d/new")

    place = forest.walker().find(CALLER, path("/l"), follow_leaf=True)

    assert isinstance(place, Absent)
    assert (str(place.path), place.by_link) == ("/d/new", True)


def test_what_is_missing_behind_a_good_link_is_simply_missing(forest: Forest) -> None:
    forest.link("/l", "/d")

    with pytest.raises(NodeNotFound):
        forest.walker().get(CALLER, path("/l/x"))


def test_a_link_opens_no_door(forest: Forest) -> None:
    forest.add("/secret", public=False)
    forest.add("/secret/f", NodeType.DATA)
    forest.link("/l", "/secret/f")
    forest.link("/m", "/secret")
    walker = forest.walker()

    with pytest.raises(UnreadableLinkTarget, match="can't be read"):
        walker.get(CALLER, path("/l"), follow_leaf=True)
    with pytest.raises(UnreadableLinkTarget, match="can't be read"):
        walker.get(CALLER, path("/m/f"))


def test_a_link_that_the_caller_may_not_read_is_not_followed(forest: Forest) -> None:
    forest.link("/l", "/d", public=False)

    with pytest.raises(PermissionDenied, match="/l"):
        forest.walker().get(CALLER, path("/l/f"))


def test_the_allocation_is_that_of_the_nearest_top(forest: Forest) -> None:
    forest.add("/home", allocation_id=4, owner_id=8)
    forest.add("/home/x")

    found = forest.walker().get(CALLER, path("/home/x"))

    assert (found.allocation_id, found.landlord_id) == (4, 8)
    assert isinstance(found, Found)
    assert forest.walker().get(CALLER, path("/d")).allocation_id is None


# ------------------------------------------------------------------ limited credentials


def limited(scope: str) -> Identity:
    return user(5, scope=TokenScope.parse(scope))


@pytest.mark.parametrize("outside", ["/", "/e", "/e/f", "/no/such", "/d2", "/d2/x"])
def test_a_path_outside_of_a_credential_is_refused_whether_it_is_there_or_not(
    forest: Forest, outside: str
) -> None:
    for name in ("/e", "/e/f", "/d2"):
        forest.add(name)

    with pytest.raises(PermissionDenied) as raised:
        forest.walker().find(limited("read:/d"), path(outside))

    assert raised.value.detail == f"can't reach {outside}: the credential is limited to read:/d"


def test_unreadable_containers_above_the_path_of_a_credential_stay_in_the_way(
    forest: Forest,
) -> None:
    forest.add("/shut", public=False)
    forest.add("/shut/open")

    with pytest.raises(PermissionDenied, match="can't read /shut"):
        forest.walker().get(limited("read:/shut/open"), path("/shut/open"))


@pytest.mark.parametrize("asked", ["/d/out", "/d/out/f"])
def test_a_link_does_not_lead_a_credential_out_of_its_path(forest: Forest, asked: str) -> None:
    forest.add("/e")
    forest.add("/e/f", NodeType.DATA)
    forest.link("/d/out", "/e")

    assert forest.walker().get(limited("read:/d"), path("/d/out")).node.is_link
    with pytest.raises(PermissionDenied, match=r"limited to read:/d$"):
        forest.walker().get(limited("read:/d"), path(asked), follow_leaf=True)
    both = forest.walker().get(limited("read:/d read:/e"), path(asked), follow_leaf=True)
    assert both.path == path(asked.replace("/d/out", "/e"))
