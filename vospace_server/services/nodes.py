"""NodeService: get, create and set nodes (VOSpace 2.1, section 6.2; contract 1.4)."""

import secrets
from dataclasses import replace

from vospace_model.faults import (
    ContainerNotFound,
    DuplicateNode,
    InvalidArgument,
    InvalidURI,
)
from vospace_model.nodes import LinkNode, Node, NodeType, NodeUpdate
from vospace_model.properties import Property, PropertyChange, SetProperty
from vospace_model.uris import NodePath, VosUri
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.domain.access import Action, Verdict, authorize, require
from vospace_server.domain.identity import Caller
from vospace_server.domain.node_record import NewNode
from vospace_server.domain.node_view import NodeView, shown_values
from vospace_server.domain.places import Absent, Found
from vospace_server.domain.property_changes import PropertyRules, RequestedChange
from vospace_server.domain.reserved_names import named_for_creation
from vospace_server.services.allocations import set_node_quota
from vospace_server.services.changed_nodes import ChangedNodes, owner_id_of
from vospace_server.services.new_nodes import inherited_by, make_node, reread
from vospace_server.services.quota import charge
from vospace_server.services.tree import Tree, actor_id

MAX_TARGET_CHARACTERS = 4096


class NodeService:
    """One node at a time. Each method is one transaction and authorises its caller in it."""

    def __init__(self, *, tree: Tree) -> None:
        self._tree = tree

    def get(self, caller: Caller, path: NodePath, *, follow: bool = False) -> NodeView:
        """The node at a path; a link itself, unless `follow`.

        Asks for no permission on the node, only that everything above it be readable. Raises
        PermissionDenied, NotAuthenticated, NodeNotFound, UnreadableLinkTarget, InvalidArgument
        (a link leads away from this service) and, in strict mode, LinkFound.
        """
        caller = self._tree.informed(caller, path)
        with self._tree.database.read() as unit:
            found = self._tree.walker(unit).get(caller, path, follow_leaf=follow)
            return self._tree.view(unit, caller, found)

    def explain(self, caller: Caller, path: NodePath) -> dict[Action, Verdict]:
        """For each action, whether the caller may do it to the node, and by which rule."""
        caller = self._tree.informed(caller, path)
        with self._tree.database.read() as unit:
            found = self._tree.walker(unit).get(caller, path)
        return {action: authorize(caller, found, action) for action in Action}

    def create(self, caller: Caller, node: Node) -> NodeView:
        """Make a node as a document describes it, without bytes and without children.

        In this order: InvalidURI for another service, ContainerNotFound for an ancestor that is
        missing or no container, PermissionDenied for one that can't be read, DuplicateNode,
        PermissionDenied to write the parent, InvalidArgument for properties, QuotaExceeded.
        What the document does not state is inherited from a parent that says so, else private.
        For the last name `.auto` one is invented, which the view tells; `.null` is InvalidURI.
        Read-only properties in it are ignored, as clients copy whole documents.
        """
        path = named_for_creation(self._tree.own_path(node.uri), secrets.token_hex())
        caller = self._tree.informed(caller, path)
        return self._tree.database.retrying(lambda unit: self._create(unit, caller, path, node))

    def set(
        self, caller: Caller, update: NodeUpdate, *, mtime_ns: int | None = None
    ) -> NodeView:
        """Change the properties that the update mentions, and no others.

        `mtime_ns` sets core#mtime to the nanosecond, which its text form can't. Raises the
        faults of `get`, ContainerNotFound for a missing ancestor, PermissionDenied without
        write permission or for a read-only property with a new value, InvalidArgument for
        another type than the node's. A lock is no obstacle: it is removed this way.
        """
        path = self._tree.own_path(update.uri)
        caller = self._tree.informed(caller, path)
        return self._tree.database.retrying(
            lambda unit: self._set(unit, caller, path, update, mtime_ns)
        )

    # ------------------------------------------------------------------ creating

    def _create(self, unit: UnitOfWork, caller: Caller, path: NodePath, node: Node) -> NodeView:
        unit.allocations.share_tree()
        place = self._tree.walker(unit).find(caller, path, missing_parent=ContainerNotFound)
        if isinstance(place, Found):
            raise DuplicateNode(str(path))
        parent = place.parent
        require(caller, parent, Action.WRITE)
        unit.nodes.hold(parent.node)
        new, asked = self._new_node(caller, place, node)
        if asked.owner_name is not None:
            new = replace(new, owner_id=owner_id_of(unit, asked.owner_name))
        if parent.allocation_id is not None and new.kind.has_bytes:
            charge(unit, parent.allocation_id, 0, 1)
        created = make_node(unit, caller, place, new, self._tree.clock())
        own = {uri: value for uri, value in asked.own.items() if value is not None}
        if own:
            unit.properties.replace({created.node.node_id: own})
        if asked.quota is not None:
            set_node_quota(unit, created, asked.quota)
            created = reread(unit, created)
        return self._tree.view(unit, caller, created, is_new=True)

    def _new_node(
        self, caller: Caller, place: Absent, node: Node
    ) -> tuple[NewNode, RequestedChange]:
        """The row to be, and what goes elsewhere."""
        rules = PropertyRules(
            normalise=self._tree.naming.normalise,
            is_admin=caller.acts_as_admin,
            is_container=node.node_type is NodeType.CONTAINER,
            is_new=True,
        )
        asked = rules.read([_as_change(each) for each in node.properties])
        plain = NewNode(
            parent_id=place.parent.node.node_id,
            name=place.name,
            kind=node.node_type,
            owner_id=actor_id(caller),
            target=_checked_target(node),
            has_properties=any(value is not None for value in asked.own.values()),
        )
        inherited = inherited_by(plain, place.parent.node)
        return replace(inherited, **asked.fields), asked

    # ------------------------------------------------------------------ setting

    def _set(
        self,
        unit: UnitOfWork,
        caller: Caller,
        path: NodePath,
        update: NodeUpdate,
        mtime_ns: int | None,
    ) -> NodeView:
        found = self._tree.walker(unit).get(caller, path, missing_parent=ContainerNotFound)
        require(caller, found, Action.SET)
        kind = found.node.kind
        if update.node_type is not None and update.node_type is not kind:
            raise InvalidArgument(f"{path} is a {kind.wire}, not a {update.node_type.wire}")
        locked = unit.nodes.lock(found.node)
        found = Found(path=found.path, records=(*found.records[:-1], locked))
        asked = self._asked(unit, caller, found, update.changes)
        if mtime_ns is not None:
            asked = replace(asked, fields={**asked.fields, "mtime_ns": mtime_ns})
        if asked == RequestedChange():
            return self._tree.view(unit, caller, found)
        return self._apply(unit, caller, found, asked)

    def _asked(
        self,
        unit: UnitOfWork,
        caller: Caller,
        found: Found,
        changes: tuple[PropertyChange, ...],
    ) -> RequestedChange:
        rules = PropertyRules(
            normalise=self._tree.naming.normalise,
            is_admin=caller.acts_as_admin,
            is_container=found.node.is_container,
            is_new=False,
            shown=shown_values(self._tree.view(unit, caller, found)),
        )
        return rules.read(changes)

    def _apply(
        self, unit: UnitOfWork, caller: Caller, found: Found, asked: RequestedChange
    ) -> NodeView:
        changed = ChangedNodes(unit, caller, self._tree.clock())
        changed.add(found, asked)
        changed.write()
        if asked.quota is not None:
            set_node_quota(unit, found, asked.quota)
        return self._tree.view(unit, caller, reread(unit, found))


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
