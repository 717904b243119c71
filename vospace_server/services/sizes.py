"""Recursive sizes of containers: exact, without locking anything that users wait for.

A transaction that adds, removes, resizes or moves a node only appends deltas for its container
(`size_delta`). `SizeService.fold_once` takes deltas out, adds them to the totals, and passes
each container's change on to its parent, level by level, remembering in `pushed` what the
parent has been told. Only it writes totals, so there is no deadlock and no lost update, and
after any crash the rows say exactly what is still to be done.

What a container shows:

- `NodeRecord.length` of a listing: the total as folded, at most one interval of the worker old.
- `NodeService.get`: that and the container's own pending deltas, so that what has just been put
  directly into a container counts at once.
- `SizeService.exact`: that and every pending delta of the whole subtree, in one statement. It
  costs the number of containers with pending deltas times their depth, not the size of the
  tree, because each delta climbs from its container towards the root. Exact in one snapshot: a
  delta is either folded up to the root or still pending, never in between.

A move appends minus `pushed` to the old parent and plus `pushed` to the new one in its own
transaction, under a lock of the container's account; what is pending below goes to wherever the
container is when it is folded.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from vospace_server.database.engine import Database
from vospace_server.database.schema import ROOT_ID
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.domain.size_delta import ContainerSize, SizeDelta, summed

# Deltas folded in one transaction: some tens of milliseconds of work.
FOLD_BATCH: Final = 5000
# A deeper chain is folded in several transactions; what is left travels on as deltas.
MAX_LEVELS: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeMismatch:
    """A container whose account does not add up."""

    container_id: int
    counted_bytes: int
    counted_files: int
    expected_bytes: int
    expected_files: int

    @property
    def correction(self) -> SizeDelta:
        """What makes the account add up."""
        return SizeDelta(
            container_id=self.container_id,
            size_bytes=self.expected_bytes - self.counted_bytes,
            files=self.expected_files - self.counted_files,
        )


class SizeService:
    """Folds deltas, and tells sizes. Any number of processes may have one."""

    def __init__(self, *, database: Database, levels: int = MAX_LEVELS) -> None:
        self._database = database
        self._levels = levels

    def fold_once(self, limit: int = FOLD_BATCH) -> int:
        """Fold at most `limit` deltas; returns how many there were, 0 if others are folding.

        One transaction: a crash leaves everything as it was before.
        """
        with self._database.read() as unit:
            if not unit.sizes.any_pending():
                return 0

        def work(unit: UnitOfWork) -> int:
            if not unit.sizes.claim_folding():
                return 0
            deltas = unit.sizes.take(limit)
            _fold(unit, summed(deltas), self._levels)
            return len(deltas)

        # Undone by a loss of power, the deltas are simply there again.
        return self._database.retrying(work, durable=False)

    def fold_due(self) -> int:
        """The same for the worker that folds: 0 as well when nothing was left after it.

        Writers never stop for it, and deltas that come meanwhile had better go in one batch.
        """
        folded = self.fold_once(FOLD_BATCH)
        return folded if folded >= FOLD_BATCH else 0

    def fold_all(self) -> None:
        """Fold until nothing is pending that this process may fold."""
        while self.fold_once():
            pass

    def exact(self, container_id: int) -> tuple[int, int]:
        """Recursive bytes and files of a container at this moment."""
        with self._database.read() as unit:
            return unit.sizes.exact(container_id)

    def check(self, container_id: int, *, repair: bool = False) -> SizeMismatch | None:
        """Whether total + own deltas = own files + what the containers in it have told.

        Looks at one snapshot, locks nothing, and can run at any time; None if it adds up. With
        `repair`, the delta missing in that snapshot is appended, which is right whatever has
        happened since, as deltas only add up; but two repairs must not run at once.
        """
        with self._database.read() as unit:
            mismatch = _mismatch(unit, container_id)
        if mismatch is not None and repair:
            with self._database.write() as unit:
                unit.sizes.append(mismatch.correction)
        return mismatch


def record_change(
    unit: UnitOfWork, container_id: int, *, size_bytes: int, files: int, now_ns: int
) -> None:
    """Note that an entry of a container was added, removed, renamed or resized."""
    unit.sizes.append(
        SizeDelta(
            container_id=container_id,
            size_bytes=size_bytes,
            files=files,
            entries_changed_ns=now_ns,
        )
    )


def told_by(unit: UnitOfWork, container_id: int) -> tuple[int, int]:
    """What a container's parent has been told; its account is locked from here on."""
    account = unit.sizes.lock([container_id]).get(container_id)
    return (0, 0) if account is None else (account.pushed_bytes, account.pushed_files)


def _fold(unit: UnitOfWork, pending: dict[int, SizeDelta], levels: int) -> None:
    """Add deltas to totals and pass them on upwards until the root has them."""
    for _ in range(levels):
        if not pending:
            return
        accounts = unit.sizes.lock(pending)
        # Asked after locking: whoever moves a container holds its account meanwhile.
        parents = unit.sizes.parents(accounts)
        # A container without an account has been removed; its parent was told then.
        folded = [
            (delta, _after(accounts[container_id], delta))
            for container_id, delta in pending.items()
            if container_id in accounts
        ]
        unit.sizes.fold(folded)
        pending = _passed_on(folded, accounts, parents)
    unit.sizes.append_all(pending.values())


def _after(account: ContainerSize, delta: SizeDelta) -> ContainerSize:
    total_bytes = account.total_bytes + delta.size_bytes
    total_files = account.total_files + delta.files
    return ContainerSize(
        container_id=account.container_id,
        total_bytes=total_bytes,
        total_files=total_files,
        pushed_bytes=total_bytes,
        pushed_files=total_files,
    )


def _passed_on(
    folded: list[tuple[SizeDelta, ContainerSize]],
    before: Mapping[int, ContainerSize],
    parents: Mapping[int, int],
) -> dict[int, SizeDelta]:
    """What the parents are told: for each container, what it had not told before."""
    upwards: list[SizeDelta] = []
    for delta, after in folded:
        known = before[delta.container_id]
        told = SizeDelta(
            container_id=parents.get(delta.container_id, 0),
            size_bytes=after.pushed_bytes - known.pushed_bytes,
            files=after.pushed_files - known.pushed_files,
        )
        if delta.container_id != ROOT_ID and (told.size_bytes or told.files):
            upwards.append(told)
    return summed(upwards)


def _mismatch(unit: UnitOfWork, container_id: int) -> SizeMismatch | None:
    total = unit.sizes.total(container_id)
    if total is None:
        return None
    pending = unit.sizes.pending(container_id)
    expected_bytes, expected_files = unit.sizes.expected(container_id)
    mismatch = SizeMismatch(
        container_id=container_id,
        counted_bytes=total[0] + pending.size_bytes,
        counted_files=total[1] + pending.files,
        expected_bytes=expected_bytes,
        expected_files=expected_files,
    )
    adds_up = (mismatch.counted_bytes, mismatch.counted_files) == (
        expected_bytes,
        expected_files,
    )
    return None if adds_up else mismatch
