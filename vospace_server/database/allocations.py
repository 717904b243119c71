"""AllocationRepository: quotas, the slots that share them out, and reservations."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Connection,
    SmallInteger,
    and_,
    bindparam,
    cast,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from vospace_server.database.schema import allocation, node, quota_slot, reservation
from vospace_server.domain.allocation import SLOTS, Reservation, Slot


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationRow:
    """An allocation without its use."""

    allocation_id: int
    node_id: int
    quota_bytes: int | None
    quota_files: int | None


_BYTES: Final = bindparam("more_bytes", type_=BigInteger)
_FILES: Final = bindparam("more_files", type_=BigInteger)
_SLOT_KEY: Final = (
    quota_slot.c.allocation_id == bindparam("of_allocation"),
    quota_slot.c.slot == bindparam("of_slot", type_=SmallInteger),
)
_NEW_USE: Final = {
    quota_slot.c.used_bytes: quota_slot.c.used_bytes + _BYTES,
    quota_slot.c.used_files: quota_slot.c.used_files + _FILES,
}
# What is not asked for needs no room: a slot may be over its cap in files and still give bytes.
_HAS_ROOM: Final = and_(
    or_(
        _BYTES <= 0,
        quota_slot.c.cap_bytes.is_(None),
        quota_slot.c.used_bytes + _BYTES <= quota_slot.c.cap_bytes,
    ),
    or_(
        _FILES <= 0,
        quota_slot.c.cap_files.is_(None),
        quota_slot.c.used_files + _FILES <= quota_slot.c.cap_files,
    ),
)
# The first slot with room, counted from a random one. Slots that others hold are passed over:
# nobody waits here, and so nobody who goes on to lock all slots holds one already.
_SLOT_WITH_ROOM: Final = (
    select(quota_slot.c.slot)
    .where(quota_slot.c.allocation_id == bindparam("of_allocation"), _HAS_ROOM)
    .order_by((quota_slot.c.slot + bindparam("of_slot", type_=SmallInteger)) % SLOTS)
    .limit(1)
    .with_for_update(skip_locked=True)
    .scalar_subquery()
)
_CHARGE_ANY: Final = (
    update(quota_slot)
    .where(
        quota_slot.c.allocation_id == bindparam("of_allocation"),
        quota_slot.c.slot == _SLOT_WITH_ROOM,
    )
    .values(_NEW_USE)
)
_CHARGE: Final = update(quota_slot).where(*_SLOT_KEY, _HAS_ROOM).values(_NEW_USE)
_CREDIT: Final = update(quota_slot).where(*_SLOT_KEY).values(_NEW_USE)
_SLOTS: Final = (
    select(quota_slot)
    .where(quota_slot.c.allocation_id == bindparam("of_allocation"))
    .order_by(quota_slot.c.slot)
)
_LOCK_SLOTS: Final = _SLOTS.with_for_update()
# Those who deal out anew go one after the other; reservations may still refer to the row.
_LOCK_ALLOCATION: Final = (
    select(allocation.c.id)
    .where(allocation.c.id == bindparam("of_allocation"))
    .with_for_update(key_share=True)
)
_SET_CAPS: Final = (
    update(quota_slot)
    .where(*_SLOT_KEY)
    .values(cap_bytes=bindparam("new_bytes"), cap_files=bindparam("new_files"))
)
_USED: Final = select(
    cast(func.coalesce(func.sum(quota_slot.c.used_bytes), 0), BigInteger),
    cast(func.coalesce(func.sum(quota_slot.c.used_files), 0), BigInteger),
).where(quota_slot.c.allocation_id == bindparam("of_allocation"))
_RESERVE: Final = insert(reservation)
_RENEW: Final = (
    update(reservation)
    .where(reservation.c.id == bindparam("of_reservation"))
    .values(
        bytes=reservation.c.bytes + _BYTES,
        expires_ns=bindparam("until_ns", type_=BigInteger),
    )
)
_SETTLE: Final = (
    delete(reservation)
    .where(reservation.c.id == bindparam("of_reservation"))
    .returning(*reservation.c)
)
_EXPIRE: Final = (
    delete(reservation)
    .where(reservation.c.expires_ns < bindparam("now_ns"))
    .returning(*reservation.c)
)
_RESERVED: Final = select(
    cast(func.coalesce(func.sum(reservation.c.bytes), 0), BigInteger),
    cast(func.coalesce(func.sum(reservation.c.files), 0), BigInteger),
).where(reservation.c.allocation_id == bindparam("of_allocation"))
_BY_ID: Final = select(allocation).where(allocation.c.id == bindparam("of_allocation"))
# Writes that charge an allocation take it shared; whatever carries a whole tree from one
# allocation to another takes it alone, so that it counts what it carries exactly.
_TREE_LOCK: Final = 0x766F7372


class AllocationRepository:
    """Allocations in one transaction. Use is counted over slots; see domain/allocation.py."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._has_advisory_locks = connection.dialect.name == "postgresql"

    # ------------------------------------------------------------------ allocations

    def add(self, node_id: int, *, quota_bytes: int | None, quota_files: int | None) -> int:
        """Make an allocation of a container, with empty slots that have no room yet."""
        allocation_id: int = self._connection.execute(
            insert(allocation).returning(allocation.c.id),
            {
                "node_id": node_id,
                "quota_bytes": quota_bytes,
                "quota_files": quota_files,
                "created_at": datetime.now(UTC),
            },
        ).scalar_one()
        slot = {"used_bytes": 0, "used_files": 0}
        self._connection.execute(
            insert(quota_slot),
            [
                {
                    "allocation_id": allocation_id,
                    "slot": number,
                    "cap_bytes": None if quota_bytes is None else 0,
                    "cap_files": None if quota_files is None else 0,
                    **slot,
                }
                for number in range(SLOTS)
            ],
        )
        return allocation_id

    def set_quota(
        self, allocation_id: int, *, quota_bytes: int | None, quota_files: int | None
    ) -> None:
        """Note a new quota; the slots' caps are the caller's business (`set_caps`)."""
        self._connection.execute(
            update(allocation)
            .where(allocation.c.id == allocation_id)
            .values(quota_bytes=quota_bytes, quota_files=quota_files)
        )

    def remove(self, allocation_id: int) -> None:
        """End an allocation: what is reserved in it, its slots and itself."""
        for table, column in (
            (reservation, reservation.c.allocation_id),
            (quota_slot, quota_slot.c.allocation_id),
            (allocation, allocation.c.id),
        ):
            self._connection.execute(delete(table).where(column == allocation_id))

    def by_id(self, allocation_id: int) -> AllocationRow | None:
        """The allocation of that number."""
        row = self._connection.execute(_BY_ID, {"of_allocation": allocation_id}).one_or_none()
        return None if row is None else _allocation_of(row)

    def all(self) -> list[AllocationRow]:
        """Every allocation, the oldest first."""
        rows = self._connection.execute(select(allocation).order_by(allocation.c.id))
        return [_allocation_of(row) for row in rows]

    def any_below(self, node_id: int) -> bool:
        """Whether some allocation's top lies below a node (or is it)."""
        tops = select(allocation.c.node_id.label("id")).cte("climb", recursive=True)
        climb = tops.union_all(select(node.c.parent_id).join(tops, node.c.id == tops.c.id))
        found = select(climb.c.id).where(climb.c.id == node_id).limit(1)
        return self._connection.execute(found).first() is not None

    # ------------------------------------------------------------------ use

    def used(self, allocation_id: int) -> tuple[int, int]:
        """Bytes and files in use, those reserved included."""
        row = self._connection.execute(_USED, {"of_allocation": allocation_id}).one()
        return row[0], row[1]

    def reserved(self, allocation_id: int) -> tuple[int, int]:
        """Bytes and files that reservations hold."""
        row = self._connection.execute(_RESERVED, {"of_allocation": allocation_id}).one()
        return row[0], row[1]

    def charge_any(self, allocation_id: int, size_bytes: int, files: int) -> bool:
        """Count so much more as used, in a slot that has room and is free; says whether."""
        use = _use(allocation_id, random_slot(), size_bytes, files)
        return self._connection.execute(_CHARGE_ANY, use).rowcount == 1

    def charge(self, allocation_id: int, slot: int, size_bytes: int, files: int) -> bool:
        """Count so much more as used, if this slot has room for it; says whether."""
        done = self._connection.execute(_CHARGE, _use(allocation_id, slot, size_bytes, files))
        return done.rowcount == 1

    def credit(self, allocation_id: int, size_bytes: int, files: int) -> None:
        """Count so much less as used, in some slot."""
        if size_bytes or files:
            slot = random_slot()
            self._connection.execute(_CREDIT, _use(allocation_id, slot, -size_bytes, -files))

    def lock_slots(self, allocation_id: int) -> list[Slot]:
        """All slots of an allocation, kept from changing; empty if there is none."""
        self._connection.execute(_LOCK_ALLOCATION, {"of_allocation": allocation_id})
        rows = self._connection.execute(_LOCK_SLOTS, {"of_allocation": allocation_id})
        return [
            Slot(
                slot=row.slot,
                used_bytes=row.used_bytes,
                used_files=row.used_files,
                cap_bytes=row.cap_bytes,
                cap_files=row.cap_files,
            )
            for row in rows
        ]

    def set_caps(
        self,
        allocation_id: int,
        caps_bytes: Sequence[int | None],
        caps_files: Sequence[int | None],
    ) -> None:
        """Share the quota out anew; the slots must be locked."""
        rows = [
            {
                "of_allocation": allocation_id,
                "of_slot": slot,
                "new_bytes": size_bytes,
                "new_files": files,
            }
            for slot, (size_bytes, files) in enumerate(zip(caps_bytes, caps_files, strict=True))
        ]
        self._connection.execute(_SET_CAPS, rows)

    # ------------------------------------------------------------------ reservations

    def add_reservation(self, new: Reservation) -> None:
        """Note who holds what was just charged."""
        self._connection.execute(
            _RESERVE,
            {
                "id": new.reservation_id,
                "allocation_id": new.allocation_id,
                "bytes": new.size_bytes,
                "files": new.files,
                "expires_ns": new.expires_ns,
            },
        )

    def renew(self, reservation_id: str, *, more_bytes: int, expires_ns: int) -> bool:
        """Let a reservation hold more and live longer; False if it has expired."""
        done = self._connection.execute(
            _RENEW,
            {
                "of_reservation": reservation_id,
                "more_bytes": more_bytes,
                "until_ns": expires_ns,
            },
        )
        return done.rowcount == 1

    def held_bytes(self, reservation_id: str) -> int | None:
        """How many bytes a reservation holds; None if it has expired."""
        return self._connection.scalar(
            select(reservation.c.bytes).where(reservation.c.id == reservation_id)
        )

    def take_reservation(self, reservation_id: str) -> Reservation | None:
        """End a reservation and return it; what it holds stays charged. None if expired."""
        row = self._connection.execute(
            _SETTLE, {"of_reservation": reservation_id}
        ).one_or_none()
        return None if row is None else _reservation_of(row)

    def take_expired(self, now_ns: int) -> list[Reservation]:
        """End all reservations that have outlived their time, and return them."""
        rows = self._connection.execute(_EXPIRE, {"now_ns": now_ns}).all()
        return [_reservation_of(row) for row in rows]

    # ------------------------------------------------------------------ whole trees

    def share_tree(self) -> None:
        """Keep trees from being carried between allocations while this transaction runs."""
        if self._has_advisory_locks:
            statement = f"SELECT pg_advisory_xact_lock_shared({_TREE_LOCK})"
            self._connection.exec_driver_sql(statement)

    def own_tree(self) -> None:
        """Keep all transactions that charge allocations out while this one runs."""
        if self._has_advisory_locks:
            self._connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_TREE_LOCK})")


def random_slot() -> int:
    """Any slot: writers that choose independently seldom meet."""
    return random.randrange(SLOTS)  # noqa: S311 - spreads load, hides nothing


def _use(allocation_id: int, slot: int, size_bytes: int, files: int) -> dict[str, Any]:
    return {
        "of_allocation": allocation_id,
        "of_slot": slot,
        "more_bytes": size_bytes,
        "more_files": files,
    }


def _allocation_of(row: Any) -> AllocationRow:
    return AllocationRow(
        allocation_id=row.id,
        node_id=row.node_id,
        quota_bytes=row.quota_bytes,
        quota_files=row.quota_files,
    )


def _reservation_of(row: Any) -> Reservation:
    return Reservation(
        reservation_id=row.id,
        allocation_id=row.allocation_id,
        size_bytes=row.bytes,
        files=row.files,
        expires_ns=row.expires_ns,
    )
