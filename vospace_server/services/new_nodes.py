"""Making a node: the row, and all that must be noted with it in the same transaction."""

from collections.abc import Sequence
from dataclasses import replace

from vospace_model.nodes import NodeType
from vospace_server.database.changes import Change, Operation
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.domain.identity import OPERATOR_USER_ID, Caller, Identity
from vospace_server.domain.node_record import NewNode, NodeRecord
from vospace_server.domain.places import Absent, Found
from vospace_server.services.sizes import record_change
from vospace_server.services.tree import actor_id


def make_node(
    unit: UnitOfWork, caller: Caller, place: Absent, new: NewNode, now_ns: int
) -> Found:
    """Put a node into a place that is free; see make_nodes."""
    (created,) = make_nodes(unit, caller, place.parent, [new], now_ns)
    return created


def make_nodes(
    unit: UnitOfWork, caller: Caller, parent: Found, new: Sequence[NewNode], now_ns: int
) -> list[Found]:
    """Put nodes into places in a container that are free, and say so in sizes and log.

    The container must be held, and the quota charged, by the caller. ConflictError if
    somebody was faster.
    """
    if not new:
        return []
    ids = unit.nodes.add_all(new, now_ns)
    pairs = list(zip(new, ids, strict=True))
    unit.sizes.add_all([each for made, each in pairs if made.kind is NodeType.CONTAINER])
    created = [
        parent.child(_record_of(unit, caller, made, node_id, now_ns)) for made, node_id in pairs
    ]
    record_change(
        unit,
        parent.node.node_id,
        size_bytes=sum(0 if each.content is None else each.content.length for each in new),
        files=sum(each.kind.has_bytes for each in new),
        now_ns=now_ns,
    )
    log_changes(unit, caller, Operation.CREATE, created, now_ns)
    return created


def _record_of(
    unit: UnitOfWork, caller: Caller, new: NewNode, node_id: int, now_ns: int
) -> NodeRecord:
    """The new row; it is read only for the name of an owner who is somebody else."""
    is_own = new.owner_id != OPERATOR_USER_ID and actor_id(caller) == new.owner_id
    if isinstance(caller, Identity) and is_own:
        return new.record(node_id, owner_name=caller.name, now_ns=now_ns)
    record = unit.nodes.by_id(node_id)
    assert record is not None, "the row was added in this transaction"
    return record


def log_change(
    unit: UnitOfWork, caller: Caller, operation: Operation, found: Found, now_ns: int
) -> None:
    """Log something that happened to a node where it is."""
    unit.changes.append(_change(caller, operation, found, now_ns))


def log_changes(
    unit: UnitOfWork,
    caller: Caller,
    operation: Operation,
    found: Sequence[Found],
    now_ns: int,
) -> None:
    """The same for many nodes."""
    unit.changes.append_all([_change(caller, operation, each, now_ns) for each in found])


def _change(caller: Caller, operation: Operation, found: Found, now_ns: int) -> Change:
    return Change(
        operation=operation,
        node=found.node,
        path=found.path,
        actor_id=actor_id(caller),
        at_ns=now_ns,
    )


def inherited_by(new: NewNode, parent: NodeRecord) -> NewNode:
    """The new node with what a parent with `inheritPermissions` passes on (contract 1.4)."""
    if not parent.inherit:
        return new
    return replace(
        new,
        public=parent.public,
        read_groups=parent.read_groups,
        write_groups=parent.write_groups,
        inherit=new.kind is NodeType.CONTAINER,
    )


def reread(unit: UnitOfWork, found: Found) -> Found:
    """The same node as it is now; it must be locked by this transaction."""
    record = unit.nodes.by_id(found.node.node_id)
    assert record is not None, "the row is locked by this transaction"
    return Found(path=found.path, records=(*found.records[:-1], record))
