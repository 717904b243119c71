"""Where a node goes that is moved or copied: the rules that both have in common."""

from dataclasses import dataclass

from vospace_model.faults import ContainerNotFound, DuplicateNode, InvalidArgument
from vospace_model.uris import NodePath
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.domain.identity import Caller
from vospace_server.domain.places import Absent, Found
from vospace_server.services.tree import Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where a node goes: a container, a name in it, and what stands there already."""

    parent: Found
    name: str
    occupant: Found | None

    @property
    def path(self) -> NodePath:
        """Where the node will be."""
        return self.parent.path.child(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Destinations:
    """Finds destinations in one space."""

    tree: Tree

    def find(
        self,
        unit: UnitOfWork,
        caller: Caller,
        source_name: str,
        path: NodePath,
        *,
        exact: bool = False,
    ) -> Destination:
        """The destination that a path means (VOSpace 2.1, 6.2.2 and 6.2.3).

        An existing container receives the node under the name that it has; with `exact` the
        path itself is meant. Raises the faults of walking, ContainerNotFound for a missing
        parent, DuplicateNode for the root, InvalidURI for a reserved name.
        """
        place = self.tree.walker(unit).find(
            caller, path, follow_leaf=not exact, missing_parent=ContainerNotFound
        )
        if isinstance(place, Absent):
            place.path.check_not_reserved()
            return Destination(parent=place.parent, name=place.name, occupant=None)
        if exact or not place.node.is_container:
            if path.is_root:
                raise DuplicateNode("/")
            return Destination(parent=place.parent(), name=place.path.name, occupant=place)
        there = unit.nodes.child(place.node.node_id, source_name)
        occupant = None
        if there is not None:
            path_there = place.path.child(source_name)
            occupant = Found(path=path_there, records=(*place.records, there))
        return Destination(parent=place, name=source_name, occupant=occupant)


def check_descent(source: Found, goal: Destination, deed: str) -> None:
    """A container can't go below itself; compared node by node, not as text.

    The sentence is the one that CADC's suite looks for.
    """
    above = {record.node_id for record in goal.parent.records}
    if source.node.node_id in above:
        raise InvalidArgument(f"Cannot {deed} container node into its descendants")
