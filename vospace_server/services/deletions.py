"""DeletionService: a node is gone at once; what was below it is taken apart afterwards."""

from collections.abc import Callable
from typing import Final

from vospace_model.faults import ContainerNotFound, InvalidArgument, PermissionDenied
from vospace_model.uris import NodePath
from vospace_server.database.changes import Operation
from vospace_server.database.trash import TrashedTree
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.domain.access import Action, require, writing_verdict
from vospace_server.domain.identity import Caller
from vospace_server.domain.node_record import NodeRecord
from vospace_server.domain.places import Found
from vospace_server.services.new_nodes import log_change
from vospace_server.services.sizes import record_change, told_by
from vospace_server.services.tree import Tree, actor_id

# Rows removed in one transaction: some tens of milliseconds, in which SQLite lets no one write.
COLLECT_BATCH: Final = 1000


def _nothing(_unit: UnitOfWork) -> None:
    """The default for what else happens in the transaction."""


class DeletionService:
    """Deletes nodes and whole trees."""

    def __init__(self, *, tree: Tree) -> None:
        self._tree = tree

    def delete(
        self,
        caller: Caller,
        path: NodePath,
        *,
        recursive: bool = False,
        also: Callable[[UnitOfWork], None] = _nothing,
    ) -> None:
        """Delete a node; a link itself, never what it points to.

        Needs write permission on the container it is in. Raises ContainerNotFound or
        NodeNotFound, PermissionDenied (a lock as well), and InvalidArgument for a container
        that is not empty, unless `recursive`.

        With `recursive`, every container of the tree must be writable and nothing in it locked
        or immutable, else PermissionDenied and nothing is deleted; InvalidArgument if
        allocations lie in it. The tree then vanishes in one transaction, with its size and its
        use of the quota; `collect_once` removes the rows. `also` is done in the same
        transaction.
        """
        caller = self._tree.informed(caller, path)
        if recursive:
            check_tree(self._tree, caller, path)

        def work(unit: UnitOfWork) -> None:
            self._delete(unit, caller, path, recursive=recursive)
            also(unit)

        self._tree.database.retrying(work)

    def collect_once(self, limit: int = COLLECT_BATCH) -> int:
        """Remove at most about `limit` rows of deleted trees; returns how many, 0 if none."""
        now_ns = self._tree.clock()
        with self._tree.database.read() as unit:
            if not unit.trash.is_any(now_ns):
                return 0
        return self._tree.database.retrying(
            lambda unit: _collect(unit, limit, now_ns), durable=False
        )

    def _delete(
        self, unit: UnitOfWork, caller: Caller, path: NodePath, *, recursive: bool
    ) -> None:
        unit.allocations.share_tree()
        found = self._tree.walker(unit).get(caller, path, missing_parent=ContainerNotFound)
        require(caller, found, Action.REMOVE)
        node = unit.nodes.lock(found.node)
        found = Found(path=found.path, records=(*found.records[:-1], node))
        now_ns = self._tree.clock()
        if node.is_container and unit.nodes.has_children(node.node_id):
            if not recursive:
                raise InvalidArgument(f"container node '{path}' is not empty")
            cut_off(unit, caller, found, now_ns)
        else:
            remove_single(unit, found, now_ns)
        log_change(unit, caller, Operation.DELETE, found, now_ns)


def check_tree(tree: Tree, caller: Caller, path: NodePath) -> None:
    """Refuse a recursive deletion that would remove what the caller may not.

    In a transaction of its own: it reads the whole tree, and writers need not wait for it.
    """
    with tree.database.read() as unit:
        found = tree.walker(unit).get(caller, path, missing_parent=ContainerNotFound)
        require(caller, found, Action.REMOVE)
        if not found.node.is_container or not unit.nodes.has_children(found.node.node_id):
            return
        # Its children go as well, so it must be writable like every container in it.
        require(caller, found, Action.WRITE)
        samples = unit.nodes.kinds_of_access(found.node.node_id)
    caller = tree.informed_below(caller, found, samples)
    for sample in samples:
        _check_deletable(caller, sample, found)


def remove_single(unit: UnitOfWork, found: Found, now_ns: int) -> None:
    """Remove a node that has no children: its rows, its size, its use of the quota.

    The node must be locked.
    """
    node = found.node
    size_bytes, files = leaves_behind(unit, node)
    if node.allocation_id is not None:
        unit.allocations.remove(node.allocation_id)
    elif node.has_bytes and found.allocation_id is not None:
        unit.allocations.credit(found.allocation_id, node.length, 1)
    _remove_rows(unit, [node])
    record_change(unit, node.parent_id, size_bytes=-size_bytes, files=-files, now_ns=now_ns)


def leaves_behind(unit: UnitOfWork, node: NodeRecord) -> tuple[int, int]:
    """Bytes and files that the parent has counted for a node."""
    if node.is_container:
        return told_by(unit, node.node_id)
    return (node.length, 1) if node.has_bytes else (0, 0)


def cut_off(
    unit: UnitOfWork, caller: Caller, found: Found, now_ns: int, *, kept_until_ns: int = 0
) -> None:
    """Move the top of a tree to the trash, and give back what the tree counts for.

    Until `kept_until_ns` it can be put back to where it was (services/trash.py).
    """
    node = found.node
    told_bytes, told_files = leaves_behind(unit, node)
    size_bytes, files = told_bytes, told_files
    if node.is_container:
        size_bytes, files = unit.sizes.exact(node.node_id)
    charged_to = None if node.allocation_id is not None else found.allocation_id
    if charged_to is not None:
        unit.allocations.credit(charged_to, size_bytes, files)
    if node.allocation_id is not None:
        unit.nodes.set_allocation(node.node_id, None)
        unit.allocations.remove(node.allocation_id)
    tree = TrashedTree(
        node_id=node.node_id,
        allocation_id=charged_to,
        released_bytes=size_bytes,
        released_files=files,
        found_bytes=0,
        found_files=0,
        kept_until_ns=kept_until_ns,
        former_parent_id=node.parent_id if kept_until_ns else None,
        former_name=node.name if kept_until_ns else None,
    )
    unit.trash.cut_off(tree, deleted_ns=now_ns, actor_id=actor_id(caller))
    record_change(
        unit, node.parent_id, size_bytes=-told_bytes, files=-told_files, now_ns=now_ns
    )


def is_deletable_below(unit: UnitOfWork, caller: Caller, top: Found) -> bool:
    """Whether everything below a container may be deleted, the container itself aside."""
    try:
        for sample in unit.nodes.kinds_of_access(top.node.node_id):
            _check_deletable(caller, sample, top)
    except (PermissionDenied, InvalidArgument):
        return False
    return True


def _check_deletable(caller: Caller, sample: NodeRecord, top: Found) -> None:
    """May a node of this access be deleted with the tree that it is in?"""
    if sample.locked or sample.immutable:
        raise PermissionDenied(f"can't remove {top.path}: it holds locked or immutable nodes")
    if sample.allocation_id is not None:
        raise InvalidArgument(f"{top.path} holds allocations; delete them one by one")
    if not sample.is_container:
        return
    # Where it is in the tree makes no difference: scopes are of whole trees.
    if not writing_verdict(caller, top.path, sample, top.landlord_id).allowed:
        raise PermissionDenied(
            f"can't remove {top.path}: it holds containers that you may not write"
        )


def _collect(unit: UnitOfWork, limit: int, now_ns: int) -> int:
    """Take rows off the oldest deleted tree, from its leaves inwards."""
    tree = unit.trash.oldest(now_ns)
    if tree is None:
        return 0
    removed = 0
    stack = [tree.node_id]
    while stack and removed < limit:
        children = unit.nodes.children(stack[-1], after="", limit=limit)
        leaves = [child for child in children if not child.is_container]
        if leaves:
            _remove_rows(unit, leaves)
            unit.trash.count_found(tree.node_id, leaves)
            removed += len(leaves)
        containers = [child for child in children if child.is_container]
        if containers:
            stack.append(containers[0].node_id)
        elif len(children) < limit:
            removed += _remove_empty(unit, stack.pop(), tree.node_id)
    if not stack:
        _settle(unit, tree.node_id)
    return max(removed, 1)


def _remove_empty(unit: UnitOfWork, node_id: int, top_id: int) -> int:
    """Remove a deleted node, unless a child was being made in it; says how many rows."""
    record = unit.nodes.by_id(node_id)
    if record is None:
        return 0
    record = unit.nodes.lock(record)
    if unit.nodes.has_children(node_id):
        return 0
    _remove_rows(unit, [record])
    unit.trash.count_found(top_id, [record])
    return 1


def _remove_rows(unit: UnitOfWork, records: list[NodeRecord]) -> None:
    ids = [record.node_id for record in records]
    containers = [record.node_id for record in records if record.is_container]
    with_properties = [record.node_id for record in records if record.has_properties]
    if with_properties:
        unit.properties.remove_all(with_properties)
    if containers:
        unit.sizes.remove(containers)
    unit.nodes.remove(ids)


def _settle(unit: UnitOfWork, top_id: int) -> None:
    """The tree is gone: give back what was found in it beyond what was given back at first.

    The two differ where somebody wrote into the tree while it was being cut off.
    """
    tree = unit.trash.get(top_id)
    if tree is None or unit.nodes.by_id(top_id) is not None:
        return
    if tree.allocation_id is not None:
        unit.allocations.credit(
            tree.allocation_id,
            tree.found_bytes - tree.released_bytes,
            tree.found_files - tree.released_files,
        )
    unit.trash.remove(top_id)
