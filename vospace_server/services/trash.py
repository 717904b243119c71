"""TrashService: delete so that it can be taken back for a day.

What is deleted here leaves its place, the sizes above it and the quota at once, like all that
is deleted; its rows and bytes stay where no path leads until its time is over, and then the
collector takes it apart (services/deletions.py). Putting it back needs its old name to be free,
its container to be there and the quota to have room for it again.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from vospace_model.faults import (
    ContainerNotFound,
    DuplicateNode,
    InvalidArgument,
    NodeNotFound,
    PermissionDenied,
)
from vospace_model.uris import NodePath
from vospace_server.database.changes import Operation
from vospace_server.database.trash import TrashedTree
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.domain.access import Action, require
from vospace_server.domain.identity import Caller, Identity
from vospace_server.domain.node_record import NodeRecord
from vospace_server.domain.node_view import NodeView
from vospace_server.domain.places import Found
from vospace_server.services.deletions import check_tree, cut_off, leaves_behind
from vospace_server.services.new_nodes import log_change, reread
from vospace_server.services.quota import charge
from vospace_server.services.sizes import record_change
from vospace_server.services.tree import Tree

KEPT_FOR: Final = timedelta(hours=24)
MOST_SHOWN: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What somebody has deleted: by `node_id` it is put back, until `kept_until_ns`.

    `path` is where it would go; None if its container is gone.
    """

    node: NodeRecord
    name: str
    path: NodePath | None
    deleted_ns: int
    kept_until_ns: int
    size_bytes: int
    files: int

    @property
    def node_id(self) -> int:
        """The number by which it is known."""
        return self.node.node_id


class TrashService:
    """Deletes and puts back. Whoever has deleted something may put it back, and nobody else."""

    def __init__(self, *, tree: Tree, kept_for: timedelta = KEPT_FOR) -> None:
        self._tree = tree
        self._kept_ns = int(kept_for.total_seconds()) * 1_000_000_000

    def discard(self, caller: Identity, path: NodePath) -> Receipt:
        """Delete a node with all that is below it; a link itself, never its target.

        Raises as a recursive `DeletionService.delete` does, and InvalidArgument for the top of
        an allocation, which can't come back as it was.
        """
        informed = self._tree.informed(caller, path)
        check_tree(self._tree, informed, path)
        return self._tree.database.retrying(lambda unit: self._discard(unit, informed, path))

    def restore(self, caller: Identity, node_id: int) -> NodeView:
        """Put a node back to where it was, and return it.

        NodeNotFound if it is not kept any more, ContainerNotFound if its container is gone,
        DuplicateNode if something else has its name, PermissionDenied for somebody else or
        without write permission on the container, QuotaExceeded if it does not fit any more.
        """
        with self._tree.database.read() as unit:
            tree = unit.trash.get(node_id)
            above = None if tree is None else _former_place(unit, tree)
        informed = caller if above is None else self._tree.informed(caller, above)
        return self._tree.database.retrying(
            lambda unit: self._restore(unit, caller, informed, node_id)
        )

    def purge(self, caller: Identity, node_id: int) -> None:
        """Let a node go for good, now. NodeNotFound, PermissionDenied."""

        def work(unit: UnitOfWork) -> None:
            self._kept(unit, caller, node_id)
            unit.trash.give_up(node_id)

        self._tree.database.retrying(work)

    def kept(self, caller: Identity) -> list[Receipt]:
        """What the caller has deleted and can put back, the latest first."""
        now_ns = self._tree.clock()
        with self._tree.database.read() as unit:
            trees = unit.trash.kept_of(caller.user_id, now_ns, limit=MOST_SHOWN)
            found = [(tree, unit.nodes.by_id(tree.node_id)) for tree in trees]
            receipts = [_receipt(unit, tree, node) for tree, node in found if node is not None]
        # What has no place any more is outside of all places.
        return [each for each in receipts if caller.reaches(each.path or NodePath.root())]

    def _discard(self, unit: UnitOfWork, caller: Caller, path: NodePath) -> Receipt:
        unit.allocations.share_tree()
        found = self._tree.walker(unit).get(caller, path, missing_parent=ContainerNotFound)
        require(caller, found, Action.REMOVE)
        if found.node.allocation_id is not None:
            raise InvalidArgument(f"{path} is an allocation; delete what is in it instead")
        node = unit.nodes.lock(found.node)
        found = Found(path=found.path, records=(*found.records[:-1], node))
        now_ns = self._tree.clock()
        cut_off(unit, caller, found, now_ns, kept_until_ns=now_ns + self._kept_ns)
        log_change(unit, caller, Operation.DELETE, found, now_ns)
        tree = unit.trash.get(node.node_id)
        assert tree is not None, "the row was added in this transaction"
        return _receipt(unit, tree, node)

    def _restore(
        self, unit: UnitOfWork, person: Identity, caller: Caller, node_id: int
    ) -> NodeView:
        unit.allocations.share_tree()
        tree = self._kept(unit, person, node_id)
        parent = self._former_parent(unit, caller, tree)
        name = tree.former_name or ""
        node = unit.nodes.by_id(node_id)
        if node is None:
            raise NodeNotFound("it has been taken apart already")
        if unit.nodes.child(parent.node.node_id, name) is not None:
            raise DuplicateNode(f"{parent.path.child(name)} is taken by something else now")
        unit.nodes.hold(parent.node)
        told_bytes, told_files = leaves_behind(unit, node)
        _pay_again(unit, tree, node, parent)
        now_ns = self._tree.clock()
        unit.trash.put_back(node_id, parent.node.node_id, name, now_ns)
        record_change(
            unit, parent.node.node_id, size_bytes=told_bytes, files=told_files, now_ns=now_ns
        )
        back = reread(
            unit, Found(path=parent.path.child(name), records=(*parent.records, node))
        )
        log_change(unit, caller, Operation.CREATE, back, now_ns)
        return self._tree.view(unit, caller, back)

    def _kept(self, unit: UnitOfWork, caller: Identity, node_id: int) -> TrashedTree:
        tree = unit.trash.locked(node_id)
        if tree is None or tree.kept_until_ns <= self._tree.clock():
            raise NodeNotFound("it is not in the trash any more")
        if tree.actor_id != caller.user_id:
            raise PermissionDenied("only whoever deleted this can put it back")
        if not caller.may_write_at(_former_place(unit, tree) or NodePath.root()):
            raise PermissionDenied(caller.limits)
        return tree

    def _former_parent(self, unit: UnitOfWork, caller: Caller, tree: TrashedTree) -> Found:
        path = _former_place(unit, tree)
        if path is None:
            raise ContainerNotFound("the folder that it was in is gone")
        parent = self._tree.walker(unit).get_container(caller, path)
        require(caller, parent, Action.WRITE)
        return parent


def _former_place(unit: UnitOfWork, tree: TrashedTree) -> NodePath | None:
    """Where the container is now that it was in; None if that is gone."""
    parent_id = tree.former_parent_id
    return None if parent_id is None else unit.nodes.path_of(parent_id)


def _pay_again(unit: UnitOfWork, tree: TrashedTree, node: NodeRecord, parent: Found) -> None:
    """Charge the allocation with what it got back, or another with all that there is."""
    if parent.allocation_id == tree.allocation_id:
        if tree.allocation_id is not None:
            charge(unit, tree.allocation_id, tree.released_bytes, tree.released_files)
        return
    size_bytes, files = leaves_behind(unit, node)
    if node.is_container:
        size_bytes, files = unit.sizes.exact(node.node_id)
    if tree.allocation_id is not None:
        # Written into the tree while it was cut off, and still counted there.
        unit.allocations.credit(
            tree.allocation_id, size_bytes - tree.released_bytes, files - tree.released_files
        )
    if parent.allocation_id is not None:
        charge(unit, parent.allocation_id, size_bytes, files)


def _receipt(unit: UnitOfWork, tree: TrashedTree, node: NodeRecord) -> Receipt:
    name = tree.former_name or ""
    above = _former_place(unit, tree)
    return Receipt(
        node=node,
        name=name,
        path=None if above is None else above.child(name),
        deleted_ns=tree.deleted_ns,
        kept_until_ns=tree.kept_until_ns,
        size_bytes=tree.released_bytes,
        files=tree.released_files,
    )
