"""NodeRepository: rows of the tree, to and from NodeRecords."""

from array import array
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import (
    Connection,
    Integer,
    Select,
    Text,
    and_,
    bindparam,
    delete,
    exc,
    exists,
    func,
    insert,
    select,
    update,
)

from vospace_model.uris import NodePath
from vospace_server.database.conflicts import ConflictError
from vospace_server.database.node_rows import (
    KIND_CODES,
    LENGTH,
    MODIFIED,
    RECORD_COLUMNS,
    RECORD_SOURCE,
    record_of,
)
from vospace_server.database.node_statements import (
    climb_statement,
    count_below_statement,
    kinds_of_access_statement,
    walk_statement,
)
from vospace_server.database.prepared import Prepared
from vospace_server.database.schema import ABOVE_ROOT_ID, TRASH_ID, node, node_group
from vospace_server.domain.content import Content
from vospace_server.domain.node_record import NewNode, NodeRecord, SortKey

# Any number that nothing else uses (PostgreSQL).
_MOVE_LOCK: Final = 0x766F7373

_RECORDS: Final = select(*RECORD_COLUMNS).select_from(RECORD_SOURCE)


# Built once: SQLAlchemy then finds their compiled text without looking at them again.
_WALK: Final = Prepared(walk_statement())
_CLIMB: Final = climb_statement()
_BY_ID: Final = _RECORDS.where(node.c.id == bindparam("node_id"))
_BY_IDS: Final = _RECORDS.where(node.c.id.in_(bindparam("ids", expanding=True)))
_BY_NAME: Final = _RECORDS.where(
    node.c.parent_id == bindparam("parent"), node.c.name == bindparam("node_name")
)
_BY_NAMES: Final = _RECORDS.where(
    node.c.parent_id == bindparam("parent"),
    node.c.name.in_(bindparam("node_names", expanding=True)),
)
_CHILDREN: Final = Prepared(
    _RECORDS.where(node.c.parent_id == bindparam("parent"), node.c.name > bindparam("after"))
    .order_by(node.c.name)
    .limit(bindparam("at_most", type_=Integer))
)
_PARENT: Final = node.alias("parent")
_ORPHANS: Final = (
    _RECORDS.outerjoin(_PARENT, _PARENT.c.id == node.c.parent_id)
    .where(_PARENT.c.id.is_(None), node.c.parent_id.not_in([ABOVE_ROOT_ID, TRASH_ID]))
    .limit(bindparam("at_most", type_=Integer))
)
_KINDS_OF_ACCESS: Final = kinds_of_access_statement()
_COUNT_BELOW: Final = count_below_statement()
_HAS_CHILDREN: Final = select(exists().where(node.c.parent_id == bindparam("parent")))
_HOLD: Final = (
    select(node.c.parent_id, node.c.name)
    .where(node.c.id == bindparam("node_id"))
    .with_for_update(key_share=True, read=True)
)
_LOCK: Final = (
    select(node.c.parent_id, node.c.name)
    .where(node.c.id == bindparam("node_id"))
    .with_for_update()
)
# Nearly all paths begin with the same few containers.
_record_on_a_path: Final = lru_cache(maxsize=1024)(record_of)
# Those of a new row that hold the field of the record as it is.
_PLAIN_COLUMNS: Final = (
    "parent_id", "name", "owner_id", "public", "inherit", "locked", "immutable", "target",
    "content_id", "length", "md5", "media_type", "encoding", "created_ns", "modified_ns",
    "changed_ns", "mtime_ns", "has_properties", "version",
)  # fmt: skip
_INSERT: Final = insert(node).returning(node.c.id)
_INSERT_MANY: Final = insert(node).returning(node.c.id, sort_by_parameter_order=True)
_SET_CONTENT: Final = (
    update(node)
    .where(node.c.id == bindparam("node_id"))
    .values(
        {
            column: bindparam(f"new_{column.name}", type_=column.type)
            for column in (
                node.c.content_id, node.c.length, node.c.md5, node.c.media_type,
                node.c.encoding, node.c.modified_ns, node.c.changed_ns, node.c.mtime_ns,
            )
        }
        | {node.c.version: node.c.version + 1}
    )
)  # fmt: skip
_RELOCATE: Final = (
    update(node)
    .where(node.c.id == bindparam("node_id"))
    .values(
        parent_id=bindparam("to_parent"),
        name=bindparam("to_name", type_=node.c.name.type),
        owner_id=bindparam("to_owner"),
        changed_ns=bindparam("at_ns"),
        version=node.c.version + 1,
    )
)
_SET_ALLOCATION: Final = (
    update(node)
    .where(node.c.id == bindparam("node_id"))
    .values(allocation_id=bindparam("new_allocation"), version=node.c.version + 1)
)
_MARK_BUSY: Final = (
    update(node)
    .where(node.c.id == bindparam("node_id"))
    .values(busy_until_ns=bindparam("until_ns"), busy_upload=bindparam("upload_id"))
)
_BUSY_WITH: Final = and_(
    node.c.id == bindparam("node_id"),
    node.c.busy_upload == bindparam("upload_id", type_=Text),
)
_RENEW_BUSY: Final = update(node).where(_BUSY_WITH).values(busy_until_ns=bindparam("until_ns"))
_CLEAR_BUSY: Final = update(node).where(_BUSY_WITH).values(busy_until_ns=None, busy_upload=None)
_REMOVE: Final = (
    delete(node_group).where(node_group.c.node_id.in_(bindparam("ids", expanding=True))),
    delete(node).where(node.c.id.in_(bindparam("ids", expanding=True))),
)
_SORTED: Final = {
    SortKey.NAME: node.c.name,
    SortKey.LENGTH: LENGTH,
    SortKey.DATE: MODIFIED,
}


class NodeRepository:
    """Nodes in one transaction.

    In a write transaction of SQLite nobody else writes, so `hold` and `lock` have nothing to
    do there. In PostgreSQL they take row locks and raise ConflictError if the node has been
    moved or removed since it was read, whereupon `Database.retrying` begins again.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._locks_rows = connection.dialect.name == "postgresql"

    # ------------------------------------------------------------------ finding

    def walk(self, path: NodePath) -> tuple[NodeRecord, ...]:
        """The nodes on a path, the root first, as far as they exist; one query."""
        rows = _WALK.rows(self._connection, names=path.names)
        return tuple([_record_on_a_path(row) for row in rows])

    def by_id(self, node_id: int) -> NodeRecord | None:
        """The node of that number, in the tree or in the trash."""
        row = self._connection.execute(_BY_ID, {"node_id": node_id}).one_or_none()
        return None if row is None else record_of(row)

    def by_ids(self, node_ids: Sequence[int]) -> list[NodeRecord]:
        """Those of the nodes that exist, in the order asked for."""
        rows = self._connection.execute(_BY_IDS, {"ids": node_ids})
        found = {record.node_id: record for record in map(record_of, rows)}
        return [found[node_id] for node_id in node_ids if node_id in found]

    def child(self, parent_id: int, name: str) -> NodeRecord | None:
        """The child of that name."""
        row = self._connection.execute(
            _BY_NAME, {"parent": parent_id, "node_name": name}
        ).one_or_none()
        return None if row is None else record_of(row)

    def children_named(self, parent_id: int, names: Sequence[str]) -> dict[str, NodeRecord]:
        """Those of the children that exist, by name; one query."""
        rows = self._connection.execute(
            _BY_NAMES, {"parent": parent_id, "node_names": list(names)}
        )
        return {record.name: record for record in map(record_of, rows)}

    def children(self, parent_id: int, *, after: str, limit: int) -> list[NodeRecord]:
        """At most `limit` children whose names come after `after` ('' is before all)."""
        rows = _CHILDREN.rows(self._connection, parent=parent_id, after=after, at_most=limit)
        return [record_of(row) for row in rows]

    def sorted_child_ids(
        self, parent_id: int, key: SortKey, *, descending: bool
    ) -> "array[int]":
        """Numbers of all children in order, 8 bytes each; names decide between equals."""
        column = _SORTED[key]
        order = (column.desc(), node.c.name.desc()) if descending else (column, node.c.name)
        statement = (
            select(node.c.id)
            .select_from(RECORD_SOURCE)
            .where(node.c.parent_id == parent_id)
            .order_by(*order)
        )
        return array("q", self._connection.scalars(statement))

    def kinds_of_access(self, top_id: int) -> list[NodeRecord]:
        """One node for each different kind of access below `top_id`, to be judged for all.

        Two nodes are of one kind if they have the same owner, read-write groups, lock and
        immutability and are both containers or both not; tops of allocations are a kind each.
        """
        ids = list(self._connection.scalars(_KINDS_OF_ACCESS, {"top_id": top_id}))
        return self.by_ids(ids)

    def count_tree(self, top_id: int) -> int:
        """How many nodes a tree has, its top included."""
        return 1 + (self._connection.scalar(_COUNT_BELOW, {"top_id": top_id}) or 0)

    def has_children(self, parent_id: int) -> bool:
        """Whether a container holds anything."""
        return bool(self._connection.scalar(_HAS_CHILDREN, {"parent": parent_id}))

    def orphans(self, *, limit: int) -> list[NodeRecord]:
        """Nodes whose container does not exist; there must be none, which fsck verifies."""
        return [
            record_of(row) for row in self._connection.execute(_ORPHANS, {"at_most": limit})
        ]

    def count(self) -> int:
        """How many nodes there are, deleted ones that are still being removed included."""
        return self._connection.scalar(select(func.count()).select_from(node)) or 0

    def path_of(self, node_id: int) -> NodePath | None:
        """Where a node stands; None if it does not exist or lies in the trash."""
        rows = self._connection.execute(_CLIMB, {"node_id": node_id}).all()
        if not rows or rows[0].name:
            return None
        return NodePath(tuple(row.name for row in rows[1:]))

    # ------------------------------------------------------------------ locking

    def hold(self, record: NodeRecord) -> None:
        """Keep a node from being moved or removed until the transaction ends.

        Many transactions may hold one node at the same time, as they create children in it.
        """
        self._secure(_HOLD, record)

    def lock(self, record: NodeRecord) -> NodeRecord:
        """Keep everybody else from changing, moving or removing a node; returns it as it is."""
        if not self._locks_rows:
            return record
        self._secure(_LOCK, record)
        fresh = self.by_id(record.node_id)
        if fresh is None:
            raise ConflictError(f"node {record.node_id} is gone")
        return fresh

    def own_moves(self) -> None:
        """Be the only transaction that moves containers, until it ends."""
        if self._locks_rows:
            self._connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MOVE_LOCK})")

    def _secure(self, statement: Select[Any], record: NodeRecord) -> None:
        if not self._locks_rows:
            return
        row = self._connection.execute(statement, {"node_id": record.node_id}).one_or_none()
        if row is None or (row.parent_id, row.name) != (record.parent_id, record.name):
            raise ConflictError(f"node {record.node_id} has moved")

    # ------------------------------------------------------------------ changing

    def add_all(self, new: Sequence[NewNode], now_ns: int) -> list[int]:
        """Make nodes, and return their numbers in that order.

        ConflictError if a name is taken, which the caller has just seen to be free: the next
        attempt will find what is there.
        """
        if not new:
            return []
        rows = [_new_row(each, now_ns) for each in new]
        try:
            ids = self._insert(rows)
        except exc.IntegrityError as error:
            raise ConflictError("a name has been taken") from error
        groups = [
            {"node_id": node_id, "mode": mode, "group_uri": group}
            for node_id, each in zip(ids, new, strict=True)
            for mode, named in (("r", each.read_groups), ("w", each.write_groups))
            for group in named
        ]
        if groups:
            self._connection.execute(insert(node_group), groups)
        return ids

    def set_content(self, record: NodeRecord, content: Content) -> None:
        """Make a data node point at stored bytes; types and times are those of `record`."""
        self._update(
            _SET_CONTENT,
            {
                "node_id": record.node_id,
                "new_content_id": content.content_id,
                "new_length": content.length,
                "new_md5": content.md5,
                "new_media_type": record.media_type,
                "new_encoding": record.encoding,
                "new_modified_ns": record.modified_ns,
                "new_changed_ns": record.changed_ns,
                "new_mtime_ns": record.mtime_ns,
            },
        )

    def relocate(self, record: NodeRecord, now_ns: int) -> None:
        """Give a node the parent, name and owner of `record`; ConflictError as for `add`."""
        try:
            self._update(
                _RELOCATE,
                {
                    "node_id": record.node_id,
                    "to_parent": record.parent_id,
                    "to_name": record.name,
                    "to_owner": record.owner_id,
                    "at_ns": now_ns,
                },
            )
        except exc.IntegrityError as error:
            raise ConflictError(f"{record.name} has been taken") from error

    def set_allocation(self, node_id: int, allocation_id: int | None) -> None:
        """Say that a container is the top of an allocation, or is not any more."""
        self._update(_SET_ALLOCATION, {"node_id": node_id, "new_allocation": allocation_id})

    def mark_busy(self, node_id: int, upload_id: str, until_ns: int) -> None:
        """Say that this upload to the node may be running until then."""
        self._connection.execute(
            _MARK_BUSY, {"node_id": node_id, "upload_id": upload_id, "until_ns": until_ns}
        )

    def renew_busy(self, node_id: int, upload_id: str, until_ns: int) -> None:
        """Say that this upload may run until later, unless another has marked the node."""
        self._connection.execute(
            _RENEW_BUSY, {"node_id": node_id, "upload_id": upload_id, "until_ns": until_ns}
        )

    def clear_busy(self, node_id: int, upload_id: str) -> None:
        """Say that this upload is over, unless a later one has marked the node since."""
        self._connection.execute(_CLEAR_BUSY, {"node_id": node_id, "upload_id": upload_id})

    def remove(self, node_ids: Sequence[int]) -> None:
        """Delete the rows of nodes, and of the groups that they name."""
        for statement in _REMOVE:
            self._connection.execute(statement, {"ids": node_ids})

    def groups_in_use(self) -> set[str]:
        """Every group that some node names, for the page that shows where groups are used."""
        return set(self._connection.scalars(select(node_group.c.group_uri).distinct()))

    def _update(self, statement: Any, values: dict[str, Any]) -> None:
        if self._connection.execute(statement, values).rowcount != 1:
            raise ConflictError("the node is gone")

    def _insert(self, rows: list[dict[str, Any]]) -> list[int]:
        # Many rows as one statement cost SQLAlchemy more, for one, than one.
        if len(rows) == 1:
            return list(self._connection.scalars(_INSERT, rows[0]))
        return list(self._connection.scalars(_INSERT_MANY, rows))


def _new_row(new: NewNode, now_ns: int) -> dict[str, Any]:
    # Its number comes from the database, its owner's name is another table's.
    record = new.record(0, owner_name="", now_ns=now_ns)
    return {
        **{column: getattr(record, column) for column in _PLAIN_COLUMNS},
        "kind": KIND_CODES[record.kind],
        "read_groups": " ".join(record.read_groups),
        "write_groups": " ".join(record.write_groups),
    }
