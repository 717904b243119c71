"""Quota: bytes are promised before the first is written, and never more than there are.

An allocation's use and quota are spread over slots (escrow): a writer takes from any slot that
has enough and that nobody else is just taking from, so writers don't wait for one another. Only
when there is none are all slots locked, the whole is looked at, and what is free is dealt out
anew; only when the whole has too little is anybody refused.

A reservation is counted as used from the moment it is made. It ends in one of three ways: it is
settled in the transaction that makes the node point at the bytes, released when the upload is
given up, or swept when its time is over, which is what happens after a crash.
"""

import secrets

from vospace_model.faults import QuotaExceeded
from vospace_server.database.allocations import random_slot
from vospace_server.database.engine import Database
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.domain.allocation import (
    Reservation,
    fits,
    share_out,
    total_usage,
)


def charge(unit: UnitOfWork, allocation_id: int, size_bytes: int, files: int) -> None:
    """Count so much more as used.

    Negative numbers are given back; either may be 0. Raises QuotaExceeded, and then nothing is
    changed, unless the transaction is committed all the same.
    """
    if not (size_bytes or files):
        return
    if not unit.allocations.charge_any(allocation_id, size_bytes, files):
        _rebalance_and_charge(unit, allocation_id, size_bytes, files)


def _rebalance_and_charge(
    unit: UnitOfWork, allocation_id: int, size_bytes: int, files: int
) -> None:
    slot = random_slot()
    slots = unit.allocations.lock_slots(allocation_id)
    if not slots:
        # The allocation has been removed: nobody counts.
        return
    usage = total_usage(slots)
    if not fits(usage, size_bytes, files):
        raise QuotaExceeded(usage.refusal(max(0, size_bytes)))
    unit.allocations.set_caps(
        allocation_id,
        share_out(
            usage.quota_bytes,
            [each.used_bytes for each in slots],
            first=slot,
            wanted=max(0, size_bytes),
        ),
        share_out(
            usage.quota_files,
            [each.used_files for each in slots],
            first=slot,
            wanted=max(0, files),
        ),
    )
    unit.allocations.charge(allocation_id, slot, size_bytes, files)


def resize(
    unit: UnitOfWork, allocation_id: int, *, quota_bytes: int | None, quota_files: int | None
) -> None:
    """Give an allocation another quota; None lifts it. What is in use stays, even if above."""
    unit.allocations.set_quota(allocation_id, quota_bytes=quota_bytes, quota_files=quota_files)
    slots = unit.allocations.lock_slots(allocation_id)
    unit.allocations.set_caps(
        allocation_id,
        share_out(quota_bytes, [slot.used_bytes for slot in slots]),
        share_out(quota_files, [slot.used_files for slot in slots]),
    )


def reserve(
    unit: UnitOfWork, allocation_id: int, *, size_bytes: int, files: int, expires_ns: int
) -> Reservation:
    """Hold so much until `expires_ns`; raises QuotaExceeded."""
    charge(unit, allocation_id, size_bytes, files)
    reservation = Reservation(
        reservation_id=secrets.token_hex(16),
        allocation_id=allocation_id,
        size_bytes=size_bytes,
        files=files,
        expires_ns=expires_ns,
    )
    unit.allocations.add_reservation(reservation)
    return reservation


def settle(
    unit: UnitOfWork,
    reservation_id: str | None,
    allocation_id: int | None,
    *,
    size_bytes: int,
    files: int,
) -> None:
    """Replace what a reservation holds by what is really used more; raises QuotaExceeded.

    Works as well without a reservation, after it has expired, and when the node has come to
    lie in another allocation meanwhile (or in none: None).
    """
    held = None
    if reservation_id is not None:
        held = unit.allocations.take_reservation(reservation_id)
    if held is not None and held.allocation_id == allocation_id:
        size_bytes -= held.size_bytes
        files -= held.files
    elif held is not None:
        unit.allocations.credit(held.allocation_id, held.size_bytes, held.files)
    if allocation_id is not None:
        charge(unit, allocation_id, size_bytes, files)


class QuotaService:
    """Reservations that outlive one transaction."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    def grow(
        self,
        reservation_id: str,
        allocation_id: int,
        *,
        wanted_bytes: int,
        needed_bytes: int,
        until_ns: int,
    ) -> int:
        """Hold more, and until later; returns how many bytes more.

        That is `wanted_bytes`, or `needed_bytes` where there isn't that much; QuotaExceeded if
        even they don't fit. After the reservation has expired nothing is held; what is needed
        is then charged when the upload is committed, if it still fits.
        """

        def work(unit: UnitOfWork, more_bytes: int) -> int:
            renewed = unit.allocations.renew(
                reservation_id, more_bytes=more_bytes, expires_ns=until_ns
            )
            if renewed:
                charge(unit, allocation_id, more_bytes, 0)
            return more_bytes

        try:
            return self._database.retrying(lambda unit: work(unit, wanted_bytes), durable=False)
        except QuotaExceeded:
            return self._database.retrying(lambda unit: work(unit, needed_bytes), durable=False)

    def release(self, reservation_id: str) -> None:
        """Give back what a reservation holds; harmless to repeat."""
        self._database.retrying(
            lambda unit: settle(unit, reservation_id, None, size_bytes=0, files=0),
            durable=False,
        )

    def sweep(self, now_ns: int) -> int:
        """Give back what expired reservations hold; returns how many there were."""

        def work(unit: UnitOfWork) -> int:
            expired = unit.allocations.take_expired(now_ns)
            for held in expired:
                unit.allocations.credit(held.allocation_id, held.size_bytes, held.files)
            return len(expired)

        return self._database.retrying(work, durable=False)
