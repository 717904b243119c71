"""ChangeRepository: the log of what happened to nodes, for listeners and for caches."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Integer, bindparam, insert, select

from vospace_model.uris import NodePath
from vospace_server.database.node_rows import KIND_CODES
from vospace_server.database.schema import change_log
from vospace_server.domain.node_record import NodeRecord


class Operation(enum.Enum):
    """What happened; the value is what the database holds."""

    CREATE = "create"
    CONTENT = "content"
    PROPERTIES = "properties"
    MOVE = "move"
    DELETE = "delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One line of the log.

    `node` and `path` are those after the change, for DELETE those before; the former ones are
    set for MOVE. `actor_id` is 0 for nobody.
    """

    operation: Operation
    node: NodeRecord
    path: NodePath
    actor_id: int
    at_ns: int
    former_path: NodePath | None = None
    former_parent_id: int | None = None


# Inline: nobody asks for the number of the new line.
_APPEND: Final = insert(change_log).inline()
_SINCE: Final = (
    select(change_log)
    .where(change_log.c.id > bindparam("last_seen"))
    .order_by(change_log.c.id)
    .limit(bindparam("at_most", type_=Integer))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedChange:
    """A line of the log as it is read; paths as text, None where there was none."""

    change_id: int
    at_ns: int
    operation: str
    node_id: int
    parent_id: int
    path: str
    former_path: str | None
    content_id: str | None
    actor_id: int


class ChangeRepository:
    """The change log in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def append(self, change: Change) -> None:
        """Log a change; it becomes visible with the change itself."""
        self._connection.execute(_APPEND, _row(change))

    def append_all(self, changes: Sequence[Change]) -> None:
        """Log many changes, in this order."""
        if changes:
            self._connection.execute(_APPEND, [_row(change) for change in changes])

    def since(self, last_seen: int, *, limit: int) -> list[LoggedChange]:
        """At most `limit` changes after the one of that number, the oldest first."""
        rows = self._connection.execute(_SINCE, {"last_seen": last_seen, "at_most": limit})
        return [
            LoggedChange(
                change_id=row.id,
                at_ns=row.at_ns,
                operation=row.operation,
                node_id=row.node_id,
                parent_id=row.parent_id,
                path=row.path,
                former_path=row.former_path,
                content_id=row.content_id,
                actor_id=row.actor_id,
            )
            for row in rows
        ]


def _row(change: Change) -> dict[str, Any]:
    former = change.former_path
    return {
        "at_ns": change.at_ns,
        "operation": change.operation.value,
        "node_id": change.node.node_id,
        "kind": KIND_CODES[change.node.kind],
        "parent_id": change.node.parent_id,
        "path": str(change.path),
        "former_path": None if former is None else str(former),
        "former_parent_id": change.former_parent_id,
        "content_id": change.node.content_id,
        "actor_id": change.actor_id,
    }
