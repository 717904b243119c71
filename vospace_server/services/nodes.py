"""NodeService: get, create and set nodes (VOSpace 2.1, section 6.2; contract 1.4)."""

import secrets
from collections.abc import Sequence
from dataclasses import replace

from vospace_model.faults import (
    ContainerNotFound,
    DuplicateNode,
    Fault,
    InvalidArgument,
    ServiceBusy,
)
from vospace_model.nodes import Node, NodeUpdate
from vospace_model.properties import PropertyChange
from vospace_model.uris import NodePath
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.domain.access import Action, Verdict, authorize, require, require_reach
from vospace_server.domain.identity import Caller
from vospace_server.domain.node_view import NodeView, shown_values
from vospace_server.domain.places import Found
from vospace_server.domain.property_changes import PropertyRules, RequestedChange
from vospace_server.domain.reserved_names import named_for_creation
from vospace_server.services.allocations import set_node_quota
from vospace_server.services.changed_nodes import ChangedNodes
from vospace_server.services.created_nodes import CreatedNodes
from vospace_server.services.new_nodes import reread
from vospace_server.services.tree import Tree


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
        (outcome,) = self.create_all(caller, [node])
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def create_all(self, caller: Caller, nodes: Sequence[Node]) -> list[NodeView | Exception]:
        """Make nodes in one container: what `create` returns or raises for each of them.

        As a rule that is one transaction for all. Whatever stands in the way of it concerns one
        of them or each: then every node has a transaction of its own, in this order. A database
        that is busy is so for all, and has been waited for.
        """
        try:
            return self._create_together(caller, nodes)
        except ServiceBusy as busy:
            return [busy] * len(nodes)
        except Exception as error:  # noqa: BLE001 - raised by `create`, or by who gathered them
            if len(nodes) == 1:
                return [error]
        return [outcome for node in nodes for outcome in self.create_all(caller, [node])]

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

    def _create_together(
        self, caller: Caller, nodes: Sequence[Node]
    ) -> list[NodeView | Exception]:
        asked = [
            (named_for_creation(self._tree.own_path(node.uri), secrets.token_hex()), node)
            for node in nodes
        ]
        # All lie in one container, whose groups count.
        caller = self._tree.informed(caller, asked[0][0])
        return self._tree.database.retrying(lambda unit: self._create(unit, caller, asked))

    def _create(
        self, unit: UnitOfWork, caller: Caller, asked: Sequence[tuple[NodePath, Node]]
    ) -> list[NodeView | Exception]:
        unit.allocations.share_tree()
        walker = self._tree.walker(unit)
        place = walker.find(caller, asked[0][0], missing_parent=ContainerNotFound)
        if isinstance(place, Found):
            raise DuplicateNode(str(asked[0][0]))
        created = CreatedNodes(unit, self._tree, caller, place.parent)
        others = [path.name for path, _ in asked[1:]]
        taken = unit.nodes.children_named(place.parent.node.node_id, others) if others else {}
        faults: dict[int, Exception] = {}
        for number, (path, node) in enumerate(asked):
            try:
                require_reach(caller, path)
                if path.name in taken:
                    raise DuplicateNode(str(path))
                created.add(path.name, node)
            except Fault as fault:
                faults[number] = fault
        views = created.write()
        return [
            faults[number] if number in faults else views[path.name]
            for number, (path, _) in enumerate(asked)
        ]

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
