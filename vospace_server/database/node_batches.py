"""NodeBatchRepository: any number of nodes of the tree changed by a few statements."""

from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy import BindParameter, Connection, bindparam, delete, insert, select

from vospace_server.database.conflicts import ConflictError
from vospace_server.database.node_rows import RECORD_COLUMNS, RECORD_SOURCE, record_of
from vospace_server.database.node_statements import SAVE, save_values
from vospace_server.database.schema import node, node_group
from vospace_server.domain.node_record import NodeRecord

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
        """Write what may change by setting properties; each node before and after."""
        if not changed:
            return
        saved = self._connection.execute(SAVE, [save_values(new) for _, new in changed])
        if saved.rowcount != len(changed):
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


def _in_place(before: NodeRecord, now: NodeRecord | None) -> NodeRecord:
    if now is None or (now.parent_id, now.name) != (before.parent_id, before.name):
        raise ConflictError(f"node {before.node_id} has moved")
    return now
