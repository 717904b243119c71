"""Sweeper: removes what time has made useless, while a server runs."""

from typing import Final

from vospace_server.services.copies import CopyService
from vospace_server.services.garbage import GarbageService
from vospace_server.services.job_ledger import JobLedger
from vospace_server.services.transaction_ends import TransactionEnds
from vospace_server.workers.periodic import PeriodicWorker

_GARBAGE_SECONDS: Final = 600.0
_JOBS_SECONDS: Final = 20.0
_UPLOADS_SECONDS: Final = 60.0


class Sweeper:
    """Threads for unused bytes, and for jobs, copies and uploads that nobody works on."""

    def __init__(
        self,
        *,
        garbage: GarbageService,
        jobs: JobLedger,
        copies: CopyService,
        transactions: TransactionEnds,
    ) -> None:
        self._workers = (
            PeriodicWorker(
                "garbage-collector",
                lambda: garbage.collect().total,
                interval_seconds=_GARBAGE_SECONDS,
            ),
            PeriodicWorker(
                "upload-sweeper", transactions.sweep, interval_seconds=_UPLOADS_SECONDS
            ),
            PeriodicWorker("job-sweeper", jobs.sweep, interval_seconds=_JOBS_SECONDS),
            PeriodicWorker("copy-sweeper", copies.sweep, interval_seconds=_JOBS_SECONDS),
        )

    def start(self) -> None:
        """Start all threads."""
        for worker in self._workers:
            worker.start()

    def stop(self) -> None:
        """Stop all threads."""
        for worker in self._workers:
            worker.stop()
