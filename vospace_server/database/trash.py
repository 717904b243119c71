"""TrashRepository: deleted trees, from the moment they are cut off until no row is left."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Integer, bindparam, delete, exc, insert, select, update

from vospace_server.database.conflicts import ConflictError
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
    # Until when it can be put back, and where to; 0 and None: it can't.
    kept_until_ns: int = 0
    former_parent_id: int | None = None
    former_name: str | None = None
    deleted_ns: int = 0
    actor_id: int = 0


_OLDEST: Final = (
    select(trash)
    .where(trash.c.kept_until_ns <= bindparam("now_ns"))
    .order_by(trash.c.deleted_ns, trash.c.node_id)
    .limit(1)
)
_LOCK_OLDEST: Final = _OLDEST.with_for_update(skip_locked=True)
_BY_ID: Final = select(trash).where(trash.c.node_id == bindparam("top_id"))
_LOCK_BY_ID: Final = _BY_ID.with_for_update()
_KEPT_OF: Final = (
    select(trash)
    .where(trash.c.actor_id == bindparam("actor"), trash.c.kept_until_ns > bindparam("now_ns"))
    .order_by(trash.c.deleted_ns.desc(), trash.c.node_id.desc())
    .limit(bindparam("at_most", type_=Integer))
)
_PUT_BACK: Final = (
    update(node)
    .where(node.c.id == bindparam("node_id"), node.c.parent_id == TRASH_ID)
    .values(
        parent_id=bindparam("to_parent"),
        name=bindparam("to_name", type_=node.c.name.type),
        changed_ns=bindparam("at_ns"),
        version=node.c.version + 1,
    )
)
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
                "kept_until_ns": tree.kept_until_ns,
                "former_parent_id": tree.former_parent_id,
                "former_name": tree.former_name,
            },
        )

    def put_back(self, node_id: int, parent_id: int, name: str, now_ns: int) -> None:
        """Give the top of a tree a place again and forget that it was deleted.

        ConflictError if the name has just been taken.
        """
        values = {"node_id": node_id, "to_parent": parent_id, "to_name": name, "at_ns": now_ns}
        try:
            found = self._connection.execute(_PUT_BACK, values).rowcount
        except exc.IntegrityError as error:
            raise ConflictError(f"{name} has been taken") from error
        if found != 1:
            raise ConflictError("the tree is gone")
        self.remove(node_id)

    def give_up(self, node_id: int) -> None:
        """Let the collector have a tree that was kept."""
        self._connection.execute(
            update(trash).where(trash.c.node_id == node_id).values(kept_until_ns=0)
        )

    def kept_of(self, actor_id: int, now_ns: int, *, limit: int) -> list[TrashedTree]:
        """What somebody has deleted and could put back, the latest first."""
        asked = {"actor": actor_id, "now_ns": now_ns, "at_most": limit}
        return [_tree_of(row) for row in self._connection.execute(_KEPT_OF, asked)]

    def built_aside(self, limit: int) -> dict[str, int]:
        """Tops of trees that are being built under TRASH_ID, by the id of the job."""
        rows = self._connection.execute(_ASIDE_OF, {"at_most": limit})
        return {row.name.removeprefix(_ASIDE): row.id for row in rows}

    def is_any(self, now_ns: int) -> bool:
        """Whether there is a tree to take apart."""
        return self._connection.execute(_OLDEST, {"now_ns": now_ns}).first() is not None

    def get(self, node_id: int) -> TrashedTree | None:
        """The tree with that node at its top."""
        row = self._connection.execute(_BY_ID, {"top_id": node_id}).one_or_none()
        return None if row is None else _tree_of(row)

    def locked(self, node_id: int) -> TrashedTree | None:
        """The same, kept from the collector until the transaction ends."""
        row = self._connection.execute(_LOCK_BY_ID, {"top_id": node_id}).one_or_none()
        return None if row is None else _tree_of(row)

    def oldest(self, now_ns: int) -> TrashedTree | None:
        """A tree that is kept no longer and that nobody is taking apart; None for none."""
        row = self._connection.execute(_LOCK_OLDEST, {"now_ns": now_ns}).one_or_none()
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
        kept_until_ns=row.kept_until_ns,
        former_parent_id=row.former_parent_id,
        former_name=row.former_name,
        deleted_ns=row.deleted_ns,
        actor_id=row.actor_id,
    )
