"""Housekeeping: what must go on while a server runs, in any number of processes at once."""

import time
from typing import Final

from vospace_server.services.deletions import DeletionService
from vospace_server.services.quota import QuotaService
from vospace_server.services.sizes import SizeService
from vospace_server.workers.periodic import PeriodicWorker

# Containers show what has been put somewhere below them after this time and one fold.
FOLD_SECONDS: Final = 0.2
COLLECT_SECONDS: Final = 1.0
SWEEP_SECONDS: Final = 30.0


class Housekeeping:
    """Three threads: fold sizes, remove deleted trees, sweep reservations of dead uploads."""

    def __init__(
        self, *, sizes: SizeService, deletions: DeletionService, quota: QuotaService
    ) -> None:
        self._workers = (
            PeriodicWorker("size-folder", sizes.fold_due, interval_seconds=FOLD_SECONDS),
            PeriodicWorker(
                "trash-collector", deletions.collect_once, interval_seconds=COLLECT_SECONDS
            ),
            PeriodicWorker(
                "reservation-sweeper",
                lambda: quota.sweep(time.time_ns()),
                interval_seconds=SWEEP_SECONDS,
            ),
        )

    def start(self) -> None:
        """Start all threads."""
        for worker in self._workers:
            worker.start()

    def stop(self) -> None:
        """Stop all threads; sizes not folded yet are folded by whoever runs next."""
        for worker in self._workers:
            worker.stop()
