"""RecursiveDeletion: the work of jobs that delete trees, as far as the caller may.

A tree in which everything may be deleted vanishes in one transaction, as by
`DeletionService.delete`; its nodes are counted in the same transaction. Otherwise its children
are looked at one by one, and each of their trees is treated the same way. So one locked file
costs the walk to it, and not a walk over everything.
"""

from typing import Final

from vospace_model.faults import ContainerNotFound
from vospace_server.database.changes import Operation
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.domain.access import Action, authorize, writing_verdict
from vospace_server.domain.identity import Caller
from vospace_server.domain.job_record import JobRecord
from vospace_server.domain.node_record import NodeRecord
from vospace_server.domain.places import Found
from vospace_server.domain.tree_progress import TreeProgress
from vospace_server.domain.tree_request import TreeDeletion, decode_tree_request
from vospace_server.services.deletions import cut_off, is_deletable_below, remove_single
from vospace_server.services.new_nodes import log_change
from vospace_server.services.tree import Tree
from vospace_server.services.tree_jobs import container_at

# Children that are looked at in one transaction.
BATCH: Final = 100
# Nodes of trees that vanish whole in one transaction; then the next one begins.
_MANY_NODES: Final = 5000


class RecursiveDeletion:
    """A TreeWork."""

    def __init__(self, *, tree: Tree) -> None:
        self._tree = tree

    def begin(self, unit: UnitOfWork, caller: Caller, record: JobRecord) -> TreeProgress:
        """Delete the whole tree if all of it may be; else enter its root."""
        request = decode_tree_request(record.request)
        assert isinstance(request, TreeDeletion), "the kind of the job says so"
        unit.allocations.share_tree()
        path = self._tree.own_path(request.target)
        found = self._tree.walker(unit).get(caller, path, missing_parent=ContainerNotFound)
        node_id = found.node.node_id
        at = TreeProgress(root_id=node_id, total=1)
        if found.node.is_container:
            at = TreeProgress(root_id=node_id, total=unit.nodes.count_tree(node_id))
        return self._take(unit, caller, found, at)

    def step(
        self, unit: UnitOfWork, caller: Caller, record: JobRecord, at: TreeProgress
    ) -> TreeProgress:
        """Some more children of the container at hand, or its end."""
        del record
        unit.allocations.share_tree()
        parent = container_at(unit, at)
        if parent is None:
            return at.leave()
        after = at.branches[-1].after
        children = unit.nodes.children(parent.node.node_id, after=after, limit=BATCH)
        if not children:
            return self._close(unit, caller, parent, at)
        depth, done = len(at.branches), at.done
        for child in children:
            at = at.pass_by(child.name)
            found = parent.child(child)
            at = self._take(unit, caller, found, at)
            if at.is_over or len(at.branches) > depth or at.done - done > _MANY_NODES:
                break
        return at

    def _take(
        self, unit: UnitOfWork, caller: Caller, found: Found, at: TreeProgress
    ) -> TreeProgress:
        """Delete a node with all below it, enter it, or leave it and say why."""
        node = found.node
        is_root = node.node_id == at.root_id
        if node.allocation_id is not None and not is_root:
            return at.fail(f"{found.path} is an allocation; delete it by itself", keeps=True)
        if node.is_container and unit.nodes.has_children(node.node_id):
            if not _is_whole(unit, caller, found):
                return at.enter(node.node_id)
            count = unit.nodes.count_tree(node.node_id)
            self._remove(unit, caller, found, whole=True)
            return at.succeed(count)
        return self._take_single(unit, caller, found, at)

    def _take_single(
        self, unit: UnitOfWork, caller: Caller, found: Found, at: TreeProgress
    ) -> TreeProgress:
        verdict = authorize(caller, found, Action.REMOVE)
        if not verdict.allowed:
            return at.fail(f"can't remove {found.path}: {verdict.reason}", keeps=True)
        self._remove(unit, caller, found, whole=False)
        return at.succeed()

    def _close(
        self, unit: UnitOfWork, caller: Caller, found: Found, at: TreeProgress
    ) -> TreeProgress:
        """A container has been gone through: it goes too, unless something is left in it."""
        kept = at.branches[-1].kept
        at = at.leave()
        if kept:
            return at.keep()
        if unit.nodes.has_children(found.node.node_id):
            return at.fail(f"{found.path} is being written to", keeps=True)
        return self._take_single(unit, caller, found, at)

    def _remove(self, unit: UnitOfWork, caller: Caller, found: Found, *, whole: bool) -> None:
        now_ns = self._tree.clock()
        node: NodeRecord = unit.nodes.lock(found.node)
        found = Found(path=found.path, records=(*found.records[:-1], node))
        if whole:
            cut_off(unit, caller, found, now_ns)
        else:
            remove_single(unit, found, now_ns)
        log_change(unit, caller, Operation.DELETE, found, now_ns)


def _is_whole(unit: UnitOfWork, caller: Caller, found: Found) -> bool:
    """Whether a container with all that is in it may be deleted by the caller."""
    if not authorize(caller, found, Action.REMOVE).allowed:
        return False
    if not writing_verdict(caller, found.path, found.node, found.landlord_id).allowed:
        return False
    return is_deletable_below(unit, caller, found)
