"""NodeBatchRepository: any number of nodes of the tree changed by a few statements."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import BindParameter, Connection, bindparam, delete, insert, select, update

from vospace_server.database.conflicts import ConflictError
from vospace_server.database.node_rows import RECORD_COLUMNS, RECORD_SOURCE, record_of
from vospace_server.database.schema import node, node_group
from vospace_server.domain.node_record import NodeRecord

# What may change by setting properties, by the names of both the columns and the attributes.
_SAVED: Final = (
    "owner_id", "public", "inherit", "locked", "immutable", "read_groups", "write_groups",
    "media_type", "encoding", "mtime_ns", "has_properties", "changed_ns",
)  # fmt: skip
_IDS: Final[BindParameter[int]] = bindparam("ids", expanding=True)
# In the order of their numbers, so that two who lock many nodes don't wait for each other.
_LOCK: Final = (
    select(*RECORD_COLUMNS)
    .select_from(RECORD_SOURCE)
    .where(node.c.id.in_(_IDS))
    .order_by(node.c.id)
    .with_for_update(of=node)
)
_FORGET_GROUPS: Final = delete(node_group).where(
    node_group.c.node_id.in_(_IDS), node_group.c.mode == bindparam("of_mode")
)


class NodeBatchRepository:
    """Locks and properties of nodes, many at a time, in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._locks_rows = connection.dialect.name == "postgresql"

    def lock(self, records: Sequence[NodeRecord]) -> list[NodeRecord]:
        """Keep everybody else from changing, moving or removing nodes.

        Returns them in the same order, as they are. ConflictError if one has been moved or
        removed since it was read.
        """
        if not self._locks_rows or not records:
            return list(records)
        rows = self._connection.execute(_LOCK, {"ids": [each.node_id for each in records]})
        fresh = {record.node_id: record for record in map(record_of, rows)}
        return [_in_place(each, fresh.get(each.node_id)) for each in records]

    def save(self, changed: Sequence[tuple[NodeRecord, NodeRecord]]) -> None:
        """Write what may change by setting properties; each node before and after.

        One statement for all nodes to which the same happens. ConflictError if one is gone.
        """
        alike: dict[tuple[tuple[str, Any], ...], list[int]] = {}
        for old, new in changed:
            alike.setdefault(_differences(old, new), []).append(new.node_id)
        for differences, node_ids in alike.items():
            statement = update(node).where(node.c.id.in_(node_ids))
            values = {**dict(differences), "version": node.c.version + 1}
            if self._connection.execute(statement.values(values)).rowcount != len(node_ids):
                raise ConflictError("a node is gone")
        self._set_groups(
            "r", [new for old, new in changed if old.read_groups != new.read_groups]
        )
        self._set_groups(
            "w", [new for old, new in changed if old.write_groups != new.write_groups]
        )

    def _set_groups(self, mode: str, records: Iterable[NodeRecord]) -> None:
        named = {
            each.node_id: each.read_groups if mode == "r" else each.write_groups
            for each in records
        }
        if not named:
            return
        self._connection.execute(_FORGET_GROUPS, {"ids": list(named), "of_mode": mode})
        rows = [
            {"node_id": node_id, "mode": mode, "group_uri": group}
            for node_id, groups in named.items()
            for group in groups
        ]
        if rows:
            self._connection.execute(insert(node_group), rows)


def _differences(old: NodeRecord, new: NodeRecord) -> tuple[tuple[str, Any], ...]:
    """Columns with new values, as the database holds them."""
    return tuple(
        (name, " ".join(value) if isinstance(value, tuple) else value)
        for name in _SAVED
        if (value := getattr(new, name)) != getattr(old, name)
    )


def _in_place(before: NodeRecord, now: NodeRecord | None) -> NodeRecord:
    if now is None or (now.parent_id, now.name) != (before.parent_id, before.name):
        raise ConflictError(f"node {before.node_id} has moved")
    return now
