"""SizeRepository: deltas that user transactions append, totals that the folding worker writes.

The scheme is that of services/sizes.py; here are only its statements.
"""

from collections.abc import Collection, Iterable
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    Select,
    bindparam,
    case,
    cast,
    delete,
    func,
    insert,
    select,
    update,
)

from vospace_server.database.columns import constant
from vospace_server.database.node_rows import KIND_CODES, KINDS
from vospace_server.database.schema import container_size, node, size_delta
from vospace_server.domain.size_delta import ContainerSize, SizeDelta

_CONTAINER: Final = next(KIND_CODES[kind] for kind in KINDS if kind.value == "container")
# Any number that nothing else uses; at most one process folds at a time (PostgreSQL).
_FOLD_LOCK: Final = 0x766F7371


def _sum(column: Any) -> Any:
    # PostgreSQL adds BIGINTs up to a NUMERIC, which arrives as a Decimal.
    return cast(func.coalesce(func.sum(column), constant(0)), BigInteger)


_TOTALS: Final = (
    _sum(size_delta.c.bytes).label("bytes"),
    _sum(size_delta.c.files).label("files"),
    func.coalesce(func.max(size_delta.c.entries_changed_ns), constant(0)).label(
        "entries_changed_ns"
    ),
)
# Inline: nobody asks for the number of the new row.
_APPEND: Final = insert(size_delta).inline()
_PENDING: Final = select(*_TOTALS).where(size_delta.c.container_id == bindparam("of_container"))
_TAKE: Final = (
    delete(size_delta)
    .where(
        size_delta.c.id.in_(
            select(size_delta.c.id)
            .order_by(size_delta.c.id)
            .limit(bindparam("at_most", type_=Integer))
            .scalar_subquery()
        )
    )
    .returning(
        size_delta.c.container_id,
        size_delta.c.bytes,
        size_delta.c.files,
        size_delta.c.entries_changed_ns,
    )
)
_LOCK: Final = (
    select(
        container_size.c.node_id,
        container_size.c.total_bytes,
        container_size.c.total_files,
        container_size.c.pushed_bytes,
        container_size.c.pushed_files,
    )
    .where(container_size.c.node_id.in_(bindparam("ids", expanding=True)))
    .order_by(container_size.c.node_id)
    .with_for_update()
)
_PARENTS: Final = select(node.c.id, node.c.parent_id).where(
    node.c.id.in_(bindparam("ids", expanding=True))
)
_FOLD: Final = (
    update(container_size)
    .where(container_size.c.node_id == bindparam("of_container"))
    .values(
        total_bytes=container_size.c.total_bytes + bindparam("more_bytes"),
        total_files=container_size.c.total_files + bindparam("more_files"),
        pushed_bytes=bindparam("told_bytes"),
        pushed_files=bindparam("told_files"),
        entries_changed_ns=case(
            (
                container_size.c.entries_changed_ns < bindparam("changed_ns"),
                bindparam("changed_ns"),
            ),
            else_=container_size.c.entries_changed_ns,
        ),
    )
)
_ADD: Final = insert(container_size)
_ANY: Final = select(size_delta.c.id).limit(1)
_TOTAL: Final = select(container_size.c.total_bytes, container_size.c.total_files).where(
    container_size.c.node_id == bindparam("of_container")
)


def _exact_statement() -> Select[Any]:
    """What has yet to reach `of_container`: each delta climbs from its container upwards."""
    grouped = select(
        size_delta.c.container_id,
        _sum(size_delta.c.bytes).label("bytes"),
        _sum(size_delta.c.files).label("files"),
    ).group_by(size_delta.c.container_id)
    climb = grouped.cte("climb", recursive=True)
    climb = climb.union_all(
        select(node.c.parent_id, climb.c.bytes, climb.c.files).join(
            node, node.c.id == climb.c.container_id
        )
    )
    arriving = climb.c.container_id == container_size.c.node_id
    pending_bytes, pending_files = (
        select(_sum(column)).where(arriving).scalar_subquery()
        for column in (climb.c.bytes, climb.c.files)
    )
    return select(
        container_size.c.total_bytes + pending_bytes,
        container_size.c.total_files + pending_files,
    ).where(container_size.c.node_id == bindparam("of_container"))


_EXACT: Final = _exact_statement()
# What total + unfolded deltas of one container must be.
_OWN_FILES: Final = select(_sum(node.c.length), func.count()).where(
    node.c.parent_id == bindparam("of_container"),
    node.c.kind.in_([code for code, kind in enumerate(KINDS) if kind.has_bytes]),
)
_CHILDREN_TOLD: Final = (
    select(_sum(container_size.c.pushed_bytes), _sum(container_size.c.pushed_files))
    .join(node, node.c.id == container_size.c.node_id)
    .where(node.c.parent_id == bindparam("of_container"), node.c.kind == _CONTAINER)
)


class SizeRepository:
    """Sizes in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # ------------------------------------------------------------------ users' transactions

    def append(self, delta: SizeDelta) -> None:
        """Note what is to be added to a container."""
        self.append_all([delta])

    def append_all(self, deltas: Iterable[SizeDelta]) -> None:
        """The same for several."""
        rows = [
            {
                "container_id": delta.container_id,
                "bytes": delta.size_bytes,
                "files": delta.files,
                "entries_changed_ns": delta.entries_changed_ns or None,
            }
            for delta in deltas
        ]
        if rows:
            self._connection.execute(_APPEND, rows)

    def add_all(self, container_ids: Iterable[int]) -> None:
        """Begin the accounts of containers that have just been made."""
        rows = [
            {
                "node_id": container_id,
                "total_bytes": 0,
                "total_files": 0,
                "pushed_bytes": 0,
                "pushed_files": 0,
                "entries_changed_ns": 0,
            }
            for container_id in container_ids
        ]
        if rows:
            self._connection.execute(_ADD, rows)

    def remove(self, container_ids: Collection[int]) -> None:
        """Close the accounts of containers that are being removed."""
        ids = list(container_ids)
        self._connection.execute(delete(size_delta).where(size_delta.c.container_id.in_(ids)))
        self._connection.execute(
            delete(container_size).where(container_size.c.node_id.in_(ids))
        )

    # ------------------------------------------------------------------ reading

    def pending(self, container_id: int) -> SizeDelta:
        """What is noted for a container and not folded yet."""
        row = self._connection.execute(_PENDING, {"of_container": container_id}).one()
        return SizeDelta(
            container_id=container_id,
            size_bytes=row.bytes,
            files=row.files,
            entries_changed_ns=row.entries_changed_ns,
        )

    def exact(self, container_id: int) -> tuple[int, int]:
        """Recursive bytes and files with every delta noted anywhere below; (0, 0) if gone."""
        row = self._connection.execute(_EXACT, {"of_container": container_id}).one_or_none()
        return (0, 0) if row is None else (row[0], row[1])

    def any_pending(self) -> bool:
        """Whether there is anything to fold."""
        return self._connection.execute(_ANY).first() is not None

    def total(self, container_id: int) -> tuple[int, int] | None:
        """Bytes and files as folded; None if there is no such container."""
        row = self._connection.execute(_TOTAL, {"of_container": container_id}).one_or_none()
        return None if row is None else (row.total_bytes, row.total_files)

    def expected(self, container_id: int) -> tuple[int, int]:
        """What a container's total and its own pending deltas must add up to."""
        parameters = {"of_container": container_id}
        files = self._connection.execute(_OWN_FILES, parameters).one()
        told = self._connection.execute(_CHILDREN_TOLD, parameters).one()
        return files[0] + told[0], files[1] + told[1]

    # ------------------------------------------------------------------ the folding worker

    def claim_folding(self) -> bool:
        """Whether this transaction is now the only one that folds."""
        if self._connection.dialect.name != "postgresql":
            return True
        statement = f"SELECT pg_try_advisory_xact_lock({_FOLD_LOCK})"
        return bool(self._connection.exec_driver_sql(statement).scalar_one())

    def take(self, limit: int) -> list[SizeDelta]:
        """Remove at most `limit` deltas, the oldest first, and return them."""
        rows = self._connection.execute(_TAKE, {"at_most": limit}).all()
        return [
            SizeDelta(
                container_id=row.container_id,
                size_bytes=row.bytes,
                files=row.files,
                entries_changed_ns=row.entries_changed_ns or 0,
            )
            for row in rows
        ]

    def lock(self, container_ids: Collection[int]) -> dict[int, ContainerSize]:
        """The accounts of those containers that exist, kept from changing."""
        rows = self._connection.execute(_LOCK, {"ids": sorted(container_ids)})
        return {
            row.node_id: ContainerSize(
                container_id=row.node_id,
                total_bytes=row.total_bytes,
                total_files=row.total_files,
                pushed_bytes=row.pushed_bytes,
                pushed_files=row.pushed_files,
            )
            for row in rows
        }

    def parents(self, container_ids: Collection[int]) -> dict[int, int]:
        """The parent of each container; ask only after locking their accounts."""
        rows = self._connection.execute(_PARENTS, {"ids": sorted(container_ids)})
        return {row.id: row.parent_id for row in rows}

    def entries(self, container_id: int) -> int:
        """How many nodes a container holds itself."""
        query = select(func.count()).where(node.c.parent_id == container_id)
        return self._connection.scalar(query) or 0

    def fold(self, folded: Iterable[tuple[SizeDelta, ContainerSize]]) -> None:
        """Add each delta to its container's total; `pushed` becomes that of the new account."""
        rows = [
            {
                "of_container": delta.container_id,
                "more_bytes": delta.size_bytes,
                "more_files": delta.files,
                "told_bytes": account.pushed_bytes,
                "told_files": account.pushed_files,
                "changed_ns": delta.entries_changed_ns,
            }
            for delta, account in folded
        ]
        if rows:
            self._connection.execute(_FOLD, rows)
