"""CreatedNodes: nodes made as documents describe them, all in one container and in one go."""

from dataclasses import replace

from vospace_model.faults import DuplicateNode, InvalidArgument, InvalidURI
from vospace_model.nodes import LinkNode, Node, NodeType
from vospace_model.properties import Property, SetProperty
from vospace_model.uris import VosUri
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.domain.access import Action, require, require_reach
from vospace_server.domain.identity import Caller
from vospace_server.domain.node_record import NewNode
from vospace_server.domain.node_view import NodeView
from vospace_server.domain.places import Found
from vospace_server.domain.property_changes import PropertyRules, RequestedChange
from vospace_server.services.allocations import set_node_quota
from vospace_server.services.changed_nodes import owner_id_of
from vospace_server.services.new_nodes import inherited_by, make_nodes, reread
from vospace_server.services.quota import charge
from vospace_server.services.tree import Tree, actor_id

MAX_TARGET_CHARACTERS = 4096


class CreatedNodes:
    """Collects what a caller makes in a container, then writes it together.

    The container is held from the beginning, so that it can't be moved or removed. Raises
    PermissionDenied if the caller may not write to it.
    """

    def __init__(self, unit: UnitOfWork, tree: Tree, caller: Caller, container: Found) -> None:
        require(caller, container, Action.WRITE)
        unit.nodes.hold(container.node)
        self._unit = unit
        self._tree = tree
        self._caller = caller
        self._container = container
        self._new: dict[str, tuple[NewNode, RequestedChange]] = {}

    def add(self, name: str, node: Node) -> None:
        """One more node, of a name that is free in the container.

        Raises DuplicateNode if it was added before, PermissionDenied where the caller's
        credential is not for, and InvalidArgument for what the document says.
        """
        path = self._container.path.child(name)
        require_reach(self._caller, path)
        if name in self._new:
            raise DuplicateNode(str(path))
        rules = PropertyRules(
            normalise=self._tree.naming.normalise,
            is_admin=self._caller.acts_as_admin,
            is_container=node.node_type is NodeType.CONTAINER,
            is_new=True,
        )
        asked = rules.read([_as_change(each) for each in node.properties])
        self._new[name] = self._new_node(name, node, asked), asked

    def write(self) -> dict[str, NodeView]:
        """The nodes as they are now, by name. Raises QuotaExceeded, ConflictError."""
        unit, container = self._unit, self._container
        new = [each for each, _ in self._new.values()]
        files = sum(each.kind.has_bytes for each in new)
        if container.allocation_id is not None:
            charge(unit, container.allocation_id, 0, files)
        made = make_nodes(unit, self._caller, container, new, self._tree.clock())
        self._write_properties(made)
        return {each.node.name: self._view(each) for each in made}

    def _new_node(self, name: str, node: Node, asked: RequestedChange) -> NewNode:
        owner_id = actor_id(self._caller)
        if asked.owner_name is not None:
            owner_id = owner_id_of(self._unit, asked.owner_name)
        plain = NewNode(
            parent_id=self._container.node.node_id,
            name=name,
            kind=node.node_type,
            owner_id=owner_id,
            target=_checked_target(node),
            has_properties=any(value is not None for value in asked.own.values()),
        )
        return replace(inherited_by(plain, self._container.node), **asked.fields)

    def _write_properties(self, made: list[Found]) -> None:
        own = {
            each.node.node_id: self._new[each.node.name][1].own
            for each in made
            if each.node.has_properties
        }
        if own:
            self._unit.properties.replace(own)

    def _view(self, created: Found) -> NodeView:
        _, asked = self._new[created.node.name]
        if asked.quota is not None:
            set_node_quota(self._unit, created, asked.quota)
            created = reread(self._unit, created)
        return self._tree.view(self._unit, self._caller, created, is_new=True)


def _as_change(shown: Property) -> SetProperty:
    return SetProperty(uri=shown.uri, value=shown.value)


def _checked_target(node: Node) -> str | None:
    """The target of a link, kept as written and not resolved."""
    if not isinstance(node, LinkNode):
        return None
    if not node.target or len(node.target) > MAX_TARGET_CHARACTERS:
        raise InvalidArgument(
            f"a link needs a target of 1 to {MAX_TARGET_CHARACTERS} characters"
        )
    if node.target.lower().startswith("vos:"):
        try:
            VosUri.parse(node.target)
        except InvalidURI as error:
            raise InvalidArgument(f"target: {error.detail}") from error
    return node.target
