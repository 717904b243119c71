"""RecursiveProperties: properties set on a node and on everything below it.

A node that the caller may not write counts as one failure and is not gone into; what is beside
it goes on. Locks are no obstacle, as in setNode: this is how whole trees are unlocked. What
nobody could set on many nodes at a time, such as a quota, ends the job before its first node.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from vospace_model.faults import PermissionDenied
from vospace_model.nodes import NodeUpdate
from vospace_model.properties import (
    Cadc,
    Core,
    PropertyChange,
    is_administered,
    is_read_only,
)
from vospace_model.uris import NodePath
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.domain.access import Action, Verdict, require, writing_verdict
from vospace_server.domain.identity import Caller
from vospace_server.domain.job_record import JobRecord
from vospace_server.domain.node_view import NodeView, shown_values
from vospace_server.domain.places import Found
from vospace_server.domain.property_changes import PropertyRules, RequestedChange
from vospace_server.domain.tree_progress import TreeProgress
from vospace_server.domain.tree_request import decode_tree_request
from vospace_server.services.changed_nodes import ChangedNodes
from vospace_server.services.tree import Tree
from vospace_server.services.tree_jobs import container_at

# Children that are changed in one transaction of some tens of milliseconds.
BATCH: Final = 500
# Children that are looked at in one transaction where nothing is changed.
_PAGE: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """What a change would do to a tree: nodes that it would change, those that it may not."""

    changed: int
    refused: int
    nodes: int


class RecursiveProperties:
    """A TreeWork, and the forecast of what it would do."""

    def __init__(self, *, tree: Tree) -> None:
        self._tree = tree

    def foresee(
        self, caller: Caller, path: NodePath, changes: Sequence[PropertyChange]
    ) -> Foreseen:
        """How many nodes of a tree a job with these changes would change.

        Reads the tree page by page and changes nothing. Raises what the job would end with.
        """
        caller = self._tree.informed_of_trees(caller)
        with self._tree.database.read() as unit:
            found = self._root(unit, caller, path, changes)
            forecast = _Forecast(self._tree, caller, changes)
            forecast.judge(self._tree.view(unit, caller, found), found)
        while forecast.containers:
            container = forecast.containers.pop()
            after = ""
            while True:
                with self._tree.database.read() as unit:
                    children = unit.nodes.children(
                        container.node.node_id, after=after, limit=_PAGE
                    )
                    views = self._tree.child_views(unit, caller, container, children)
                for view in views:
                    forecast.judge(view, container.child(view.record))
                if len(children) < _PAGE:
                    break
                after = children[-1].name
        return forecast.result

    def begin(self, unit: UnitOfWork, caller: Caller, record: JobRecord) -> TreeProgress:
        """Change the root, and enter it. Raises what setNode raises."""
        update = _update_of(record)
        path = self._tree.own_path(update.uri)
        found = self._root(unit, caller, path, update.changes)
        node_id = found.node.node_id
        total = unit.nodes.count_tree(node_id) if found.node.is_container else 1
        at = TreeProgress(root_id=node_id, total=total)
        locked = unit.nodes.lock(found.node)
        found = Found(path=found.path, records=(*found.records[:-1], locked))
        view = self._tree.view(unit, caller, found)
        batch = ChangedNodes(unit, caller, self._tree.clock())
        batch.add(found, self._asked_of_one(caller, view, update.changes))
        batch.write()
        at = at.succeed()
        return at.enter(node_id) if found.node.is_container else at

    def step(
        self, unit: UnitOfWork, caller: Caller, record: JobRecord, at: TreeProgress
    ) -> TreeProgress:
        """Change some more children of the container at hand, or leave it."""
        changes = _update_of(record).changes
        parent = container_at(unit, at)
        if parent is None:
            return at.leave()
        after = at.branches[-1].after
        children = unit.nodes.children(parent.node.node_id, after=after, limit=BATCH)
        if not children:
            return at.leave()
        at = at.pass_by(children[-1].name)
        children = unit.node_batches.lock(children)
        batch = ChangedNodes(unit, caller, self._tree.clock())
        entered: list[int] = []
        for view in self._tree.child_views(unit, caller, parent, children):
            found = parent.child(view.record)
            verdict = _verdict(caller, found)
            if not verdict.allowed:
                at = at.fail(f"can't change {found.path}: {verdict.reason}")
                continue
            batch.add(found, self._asked_of_one(caller, view, changes))
            at = at.succeed()
            if found.node.is_container:
                entered.append(found.node.node_id)
        batch.write()
        return at.enter(*reversed(entered))

    def _root(
        self,
        unit: UnitOfWork,
        caller: Caller,
        path: NodePath,
        changes: Sequence[PropertyChange],
    ) -> Found:
        """The top of the tree, if the caller may change it like that."""
        found = self._tree.walker(unit).get(caller, path)
        require(caller, found, Action.SET)
        if any(change.uri == Core.QUOTA for change in changes):
            raise PermissionDenied("a quota is set on one container, not on all below it")
        # Raises for read-only properties with new values, and for impossible ones.
        _asked(self._tree, caller, self._tree.view(unit, caller, found), changes)
        return found

    def _asked_of_one(
        self, caller: Caller, view: NodeView, changes: Sequence[PropertyChange]
    ) -> RequestedChange:
        return _asked(self._tree, caller, view, _for_one_of_many(caller, view, changes))


class _Forecast:
    """Counts, while a tree is gone through."""

    def __init__(self, tree: Tree, caller: Caller, changes: Sequence[PropertyChange]) -> None:
        self.containers: list[Found] = []
        self._tree = tree
        self._caller = caller
        self._changes = changes
        self._changed = self._refused = self._nodes = 0

    @property
    def result(self) -> Foreseen:
        return Foreseen(changed=self._changed, refused=self._refused, nodes=self._nodes)

    def judge(self, view: NodeView, found: Found) -> None:
        """Count one node, and remember a container that is to be gone into."""
        self._nodes += 1
        if not _verdict(self._caller, found).allowed:
            self._refused += 1
            return
        changes = _for_one_of_many(self._caller, view, self._changes)
        self._changed += _asked(self._tree, self._caller, view, changes) != RequestedChange()
        if found.node.is_container:
            self.containers.append(found)


def _update_of(record: JobRecord) -> NodeUpdate:
    request = decode_tree_request(record.request)
    assert isinstance(request, NodeUpdate), "the kind of the job says so"
    return request


def _verdict(caller: Caller, found: Found) -> Verdict:
    """Locks are no obstacle to changes of properties."""
    node, landlord_id = found.node, found.landlord_id
    return writing_verdict(caller, found.path, node, landlord_id, despite_lock=True)


def _asked(
    tree: Tree, caller: Caller, view: NodeView, changes: Sequence[PropertyChange]
) -> RequestedChange:
    rules = PropertyRules(
        normalise=tree.naming.normalise,
        is_admin=caller.acts_as_admin,
        is_container=view.record.is_container,
        is_new=False,
        shown=shown_values(view),
    )
    return rules.read(changes)


def _for_one_of_many(
    caller: Caller, view: NodeView, changes: Sequence[PropertyChange]
) -> list[PropertyChange]:
    """The changes that apply to a node of this type.

    What the document repeats of the root's own read-only properties is nothing for others.
    """
    return [
        change
        for change in changes
        if not is_read_only(change.uri)
        and (caller.acts_as_admin or not is_administered(change.uri))
        and (view.record.is_container or change.uri != Cadc.INHERIT)
    ]
