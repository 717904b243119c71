"""MoveService: give a node another place or name, atomically (moveNode; POSIX rename)."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from vospace_model.faults import DuplicateNode, InvalidArgument
from vospace_model.uris import NodePath
from vospace_server.database.changes import Change, Operation
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.domain.access import Action, require
from vospace_server.domain.identity import Anonymous, Caller
from vospace_server.domain.node_record import NodeRecord
from vospace_server.domain.node_view import NodeView
from vospace_server.domain.places import Found
from vospace_server.services.deletions import remove_single
from vospace_server.services.destinations import Destination, Destinations, check_descent
from vospace_server.services.new_nodes import reread
from vospace_server.services.quota import charge
from vospace_server.services.sizes import record_change, told_by
from vospace_server.services.tree import Tree, actor_id


@dataclass(frozen=True, slots=True, kw_only=True)
class _Weight:
    """What a node counts for: in its container's size, and in its allocation."""

    told_bytes: int
    told_files: int
    used_bytes: int
    used_files: int


def _nothing(_unit: UnitOfWork, _path: NodePath) -> None:
    """The default for what else happens in the transaction."""


class MoveService:
    """Moves nodes. Each move is one transaction: nobody sees half of it."""

    def __init__(self, *, tree: Tree) -> None:
        self._tree = tree
        self._destinations = Destinations(tree=tree)

    def move(
        self,
        caller: Caller,
        source: NodePath,
        destination: NodePath,
        *,
        exact: bool = False,
        overwrite: bool = False,
        also: Callable[[UnitOfWork, NodePath], None] = _nothing,
    ) -> NodeView:
        """Move a node with all that is below it, and return it where it is then.

        A destination that is an existing container receives the node under its own name; with
        `exact`, the destination is always the new path itself. A name that is taken is
        DuplicateNode, but with `overwrite` the node there gives way as POSIX rename has it:
        what is no container to what is none, an empty container to a container. With both,
        moving a node onto itself does nothing.

        Links are moved themselves. Write permission is needed on both containers; locked and
        immutable nodes stay (PermissionDenied). InvalidArgument for a container that would
        come to lie in itself, QuotaExceeded if another allocation has no room for it. Whoever
        moves a node to another container becomes its owner (contract 0.3), except
        administrators, and except for the top of an allocation, whose owner is its landlord.

        `also` is done in the same transaction, with the path where the node is then.
        """
        caller = self._tree.informed(caller, source, destination)

        def work(unit: UnitOfWork) -> NodeView:
            moved = self._move(
                unit, caller, source, destination, exact=exact, overwrite=overwrite
            )
            also(unit, moved.path)
            return moved

        return self._tree.database.retrying(work)

    def _move(
        self,
        unit: UnitOfWork,
        caller: Caller,
        source: NodePath,
        destination: NodePath,
        *,
        exact: bool,
        overwrite: bool,
    ) -> NodeView:
        moved = self._source(unit, caller, source)
        goal = self._destinations.find(unit, caller, moved.path.name, destination, exact=exact)
        if goal.occupant is not None and _same_node(goal.occupant, moved) and overwrite:
            return self._tree.view(unit, caller, moved)
        check_descent(moved, goal, "move")
        if goal.occupant is not None and not overwrite:
            raise DuplicateNode(str(goal.path))
        require(caller, goal.parent, Action.WRITE)
        if moved.node.is_container and _changes_payer(moved, goal):
            # Before any row is locked, for which those who must finish first may wait.
            unit.allocations.own_tree()
        unit.nodes.hold(goal.parent.node)
        moved = _locked(unit, moved)
        now_ns = self._tree.clock()
        if goal.occupant is not None:
            _give_way(unit, caller, moved, goal.occupant, now_ns)
        arrived = _carry(unit, caller, moved, goal, now_ns)
        return self._tree.view(unit, caller, arrived)

    def _source(self, unit: UnitOfWork, caller: Caller, path: NodePath) -> Found:
        """What is moved, authorised.

        Containers are moved one at a time in the whole space: two moves at once could put two
        containers into each other, out of reach of everybody. Other nodes only have to stay
        where the walk has found them.
        """
        if self._tree.walker(unit).get(caller, path).node.is_container:
            unit.nodes.own_moves()
        else:
            unit.allocations.share_tree()
        moved = self._tree.walker(unit).get(caller, path)
        require(caller, moved, Action.REMOVE)
        return moved


def _same_node(one: Found, other: Found) -> bool:
    return one.node.node_id == other.node.node_id


def _locked(unit: UnitOfWork, found: Found) -> Found:
    return Found(path=found.path, records=(*found.records[:-1], unit.nodes.lock(found.node)))


def _give_way(
    unit: UnitOfWork, caller: Caller, moved: Found, replaced: Found, now_ns: int
) -> None:
    """Remove what stands where a node goes, if POSIX rename would."""
    require(caller, replaced, Action.REMOVE)
    replaced = _locked(unit, replaced)
    if replaced.node.is_container is not moved.node.is_container:
        raise DuplicateNode(f"{replaced.path} can't be replaced by another kind of node")
    if replaced.node.allocation_id is not None:
        raise DuplicateNode(f"{replaced.path} is an allocation")
    if unit.nodes.has_children(replaced.node.node_id):
        raise DuplicateNode(f"{replaced.path} is not empty")
    remove_single(unit, replaced, now_ns)


def _carry(
    unit: UnitOfWork, caller: Caller, moved: Found, goal: Destination, now_ns: int
) -> Found:
    """Change the row, and all that counts it."""
    node = moved.node
    weight = _transfer_charge(unit, moved, goal)
    arrived = replace(
        node,
        parent_id=goal.parent.node.node_id,
        name=goal.name,
        owner_id=_new_owner_id(caller, node, goal),
    )
    unit.nodes.relocate(arrived, now_ns)
    _transfer_size(unit, node.parent_id, arrived.parent_id, weight, now_ns)
    found = reread(unit, Found(path=goal.path, records=(*goal.parent.records, arrived)))
    unit.changes.append(
        Change(
            operation=Operation.MOVE,
            node=found.node,
            path=found.path,
            actor_id=actor_id(caller),
            at_ns=now_ns,
            former_path=moved.path,
            former_parent_id=node.parent_id,
        )
    )
    return found


def _new_owner_id(caller: Caller, node: NodeRecord, goal: Destination) -> int:
    stays = node.parent_id == goal.parent.node.node_id
    is_top = node.allocation_id is not None
    if stays or is_top or isinstance(caller, Anonymous) or caller.acts_as_admin:
        return node.owner_id
    return caller.user_id


def _transfer_charge(unit: UnitOfWork, moved: Found, goal: Destination) -> _Weight:
    """Let the new allocation pay for what the old one paid for, if they differ."""
    node = moved.node
    origin, target = moved.parent().allocation_id, goal.parent.allocation_id
    if node.is_container and origin is None and target is not None:
        _check_no_allocation_in(unit, moved)
    changes_payer = _changes_payer(moved, goal)
    weight = _weight(unit, node, whole=changes_payer)
    if changes_payer and target is not None:
        charge(unit, target, weight.used_bytes, weight.used_files)
    if changes_payer and origin is not None:
        unit.allocations.credit(origin, weight.used_bytes, weight.used_files)
    return weight


def _changes_payer(moved: Found, goal: Destination) -> bool:
    """Whether another allocation, or none, will be charged; the top of one moves with it."""
    if moved.node.allocation_id is not None:
        return False
    return moved.parent().allocation_id != goal.parent.allocation_id


def _check_no_allocation_in(unit: UnitOfWork, moved: Found) -> None:
    if unit.allocations.any_below(moved.node.node_id):
        raise InvalidArgument(f"{moved.path} holds allocations, which can't lie in another")


def _weight(unit: UnitOfWork, node: NodeRecord, *, whole: bool) -> _Weight:
    """What a locked node counts for; the whole tree below it is only looked at if need be."""
    if not node.is_container:
        files = 1 if node.has_bytes else 0
        return _Weight(
            told_bytes=node.length, told_files=files, used_bytes=node.length, used_files=files
        )
    used_bytes, used_files = 0, 0
    if whole:
        used_bytes, used_files = unit.sizes.exact(node.node_id)
    told_bytes, told_files = told_by(unit, node.node_id)
    return _Weight(
        told_bytes=told_bytes,
        told_files=told_files,
        used_bytes=used_bytes,
        used_files=used_files,
    )


def _transfer_size(
    unit: UnitOfWork, origin_id: int, target_id: int, weight: _Weight, now_ns: int
) -> None:
    if origin_id == target_id:
        record_change(unit, origin_id, size_bytes=0, files=0, now_ns=now_ns)
        return
    for container_id, sign in ((origin_id, -1), (target_id, 1)):
        record_change(
            unit,
            container_id,
            size_bytes=sign * weight.told_bytes,
            files=sign * weight.told_files,
            now_ns=now_ns,
        )
