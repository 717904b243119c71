"""TrashRepository: deleted trees, from the moment they are cut off until no row is left."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Integer, bindparam, delete, insert, select, update

from vospace_server.database.schema import TRASH_ID, node, trash
from vospace_server.domain.node_record import NodeRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class TrashedTree:
    """A deleted tree: what its allocation has got back for it, and what was found in it."""

    node_id: int
    allocation_id: int | None
    released_bytes: int
    released_files: int
    found_bytes: int
    found_files: int


_OLDEST: Final = select(trash).order_by(trash.c.deleted_ns, trash.c.node_id).limit(1)
_LOCK_OLDEST: Final = _OLDEST.with_for_update(skip_locked=True)
_BY_ID: Final = select(trash).where(trash.c.node_id == bindparam("top_id"))
_CUT_OFF: Final = (
    update(node)
    .where(node.c.id == bindparam("node_id"))
    .values(
        parent_id=TRASH_ID,
        name=bindparam("trash_name", type_=node.c.name.type),
        version=node.c.version + 1,
    )
)


_ASIDE: Final = "aside-"
_ASIDE_OF: Final = (
    select(node.c.id, node.c.name)
    .where(node.c.parent_id == TRASH_ID, node.c.name.startswith(_ASIDE))
    .order_by(node.c.name)
    .limit(bindparam("at_most", type_=Integer))
)


def aside_name(job_id: str) -> str:
    """The name of the top of a tree that a job builds where no path leads."""
    return f"{_ASIDE}{job_id}"


class TrashRepository:
    """Deleted trees in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def cut_off(self, tree: TrashedTree, *, deleted_ns: int, actor_id: int) -> None:
        """Take the top of a tree out of its container: from now on no path leads there."""
        self._connection.execute(
            _CUT_OFF, {"node_id": tree.node_id, "trash_name": str(tree.node_id)}
        )
        self._connection.execute(
            insert(trash),
            {
                "node_id": tree.node_id,
                "allocation_id": tree.allocation_id,
                "released_bytes": tree.released_bytes,
                "released_files": tree.released_files,
                "found_bytes": tree.found_bytes,
                "found_files": tree.found_files,
                "deleted_ns": deleted_ns,
                "actor_id": actor_id,
            },
        )

    def built_aside(self, limit: int) -> dict[str, int]:
        """Tops of trees that are being built under TRASH_ID, by the id of the job."""
        rows = self._connection.execute(_ASIDE_OF, {"at_most": limit})
        return {row.name.removeprefix(_ASIDE): row.id for row in rows}

    def is_any(self) -> bool:
        """Whether there is a tree to take apart."""
        return self._connection.execute(_OLDEST).first() is not None

    def get(self, node_id: int) -> TrashedTree | None:
        """The tree with that node at its top."""
        row = self._connection.execute(_BY_ID, {"top_id": node_id}).one_or_none()
        return None if row is None else _tree_of(row)

    def oldest(self) -> TrashedTree | None:
        """A tree that nobody else is taking apart; None if there is none."""
        row = self._connection.execute(_LOCK_OLDEST).one_or_none()
        return None if row is None else _tree_of(row)

    def count_found(self, node_id: int, records: Sequence[NodeRecord]) -> None:
        """Note the data nodes that are being removed from a tree."""
        files = [record for record in records if record.has_bytes]
        self._connection.execute(
            update(trash)
            .where(trash.c.node_id == node_id)
            .values(
                found_bytes=trash.c.found_bytes + sum(record.length for record in files),
                found_files=trash.c.found_files + len(files),
            )
        )

    def remove(self, node_id: int) -> None:
        """Forget a tree of which nothing is left."""
        self._connection.execute(delete(trash).where(trash.c.node_id == node_id))


def _tree_of(row: Any) -> TrashedTree:
    return TrashedTree(
        node_id=row.node_id,
        allocation_id=row.allocation_id,
        released_bytes=row.released_bytes,
        released_files=row.released_files,
        found_bytes=row.found_bytes,
        found_files=row.found_files,
    )
