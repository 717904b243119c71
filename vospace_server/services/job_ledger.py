"""JobLedger: a job as its worker sees it, from being begun to its end.

A job is worked on by one worker at a time: whoever took it from QUEUED to EXECUTING, and whose
name stands in its row. Everything that a worker writes is written on the condition that its
name still stands there, so one that was taken for dead and comes back changes nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from vospace_model.faults import Fault, PermissionDenied, TransferFailed
from vospace_model.jobs import ExecutionPhase, JobResult
from vospace_server.database.engine import Database
from vospace_server.database.jobs import error_values
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.domain.job_cursor import JobCursor
from vospace_server.domain.job_record import JobRecord, JobStanding
from vospace_server.services.jobs import JobKind

WORKER_PATIENCE: Final = timedelta(seconds=60)
"""After so long without a word a worker is taken for dead; it says one more often."""

_MAX_INTERRUPTIONS: Final = 3


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOutcome:
    """How a job ends. ABORTED with results: some of it could not be done."""

    phase: ExecutionPhase = ExecutionPhase.COMPLETED
    results: Sequence[JobResult] = ()
    fault: Fault | None = None


class JobLedger:
    """Begins, keeps and ends jobs on behalf of those who do them."""

    def __init__(self, *, database: Database, clock: Callable[[], datetime] = _now) -> None:
        self._database = database
        self.clock = clock

    def next_queued(self, kinds: Sequence[str], *, after_owner: int = -1) -> JobRecord | None:
        """A job that waits for a worker: the oldest of the next owner behind that one.

        So owners take turns, and nobody waits for all the jobs of somebody else.
        """
        with self._database.read() as unit:
            return unit.jobs.next_queued(kinds, after_owner)

    def begin(self, job_id: str, *, worker: str) -> JobRecord | None:
        """Take a PENDING or QUEUED job to EXECUTING; None when somebody else was faster."""
        now = self.clock()
        with self._database.write() as unit:
            record = unit.jobs.get(job_id)
            if record is None or not record.phase.may_become(ExecutionPhase.EXECUTING):
                return None
            begun = unit.jobs.change(
                record,
                phase=ExecutionPhase.EXECUTING.value,
                # An interrupted job began when it was begun first.
                started_at=record.started or now,
                worker=worker,
                worker_until=now + WORKER_PATIENCE,
            )
            return unit.jobs.get(job_id) if begun else None

    def standing(self, job_id: str) -> JobStanding | None:
        """What has become of a job meanwhile; None: it was destroyed."""
        with self._database.read() as unit:
            return unit.jobs.standing(job_id)

    def keep_alive(self, job_id: str, *, worker: str) -> None:
        """Say that a worker still works on its job."""
        until = self.clock() + WORKER_PATIENCE
        self._database.retrying(
            lambda unit: unit.jobs.save_work(job_id, worker, worker_until=until), durable=False
        )

    def save(self, job_id: str, *, worker: str, values: dict[str, Any]) -> bool:
        """Write progress or place of a job, in a transaction of its own."""
        return self._database.retrying(
            lambda unit: unit.jobs.save_work(job_id, worker, **values), durable=False
        )

    def end(self, job_id: str, outcome: JobOutcome, *, worker: str) -> bool:
        """End a job; false when it has ended otherwise meanwhile, or has another worker."""
        with self._database.write() as unit:
            return end_job(unit, job_id, outcome, now=self.clock(), worker=worker)

    def fail(self, job_id: str, fault: Fault, *, worker: str) -> bool:
        """End a job with a fault; false as `end`."""
        return self.end(job_id, failed(fault), worker=worker)

    def add_results(self, job_id: str, results: Sequence[JobResult]) -> None:
        """Results of a job that goes on, or was aborted; harmless when it is destroyed."""
        with self._database.write() as unit:
            if unit.jobs.phase(job_id) is not None:
                for result in results:
                    unit.jobs.add_result(job_id, result)

    def await_bytes(self, job_id: str, *, worker: str, until: datetime) -> None:
        """Let a job go on without a worker: it ends with the bytes, or at that time."""
        with self._database.write() as unit:
            unit.jobs.save_work(job_id, worker, worker=None, worker_until=until)

    def hand_back(self, job_id: str, *, worker: str) -> None:
        """Queue a job again, to be gone on with where it is by whoever is next."""
        with self._database.write() as unit:
            unit.jobs.save_work(
                job_id,
                worker,
                phase=ExecutionPhase.QUEUED.value,
                worker=None,
                worker_until=None,
            )

    def take_over(self, is_gone: Callable[[str], bool], limit: int = 1000) -> int:
        """See to jobs whose workers are known to be gone; says how many. As `sweep`."""
        now = self.clock()
        with self._database.read() as unit:
            records = unit.jobs.worked_on(limit)
        left = [each for each in records if each.worker is not None and is_gone(each.worker)]
        if left:
            with self._database.write() as unit:
                for record in left:
                    _take_up(unit, record, now)
        return len(left)

    def sweep(self, limit: int = 100) -> int:
        """See to jobs that nobody works on, forget those whose time has come; says how many.

        A worker whose process died leaves such a job: it is queued again, to be gone on with
        where it was, if its kind can be; else it ends in ERROR, as does a push whose bytes
        never came, and a job that has taken several workers with it.
        """
        now = self.clock()
        with self._database.read() as unit:
            if not unit.jobs.orphaned(now, 1) and not unit.jobs.expired(now, 1):
                return 0
        with self._database.write() as unit:
            orphaned = unit.jobs.orphaned(now, limit)
            for record in orphaned:
                _take_up(unit, record, now)
            expired = unit.jobs.expired(now, limit)
            for job_id in expired:
                unit.jobs.remove(job_id)
        return len(orphaned) + len(expired)


def failed(fault: Fault) -> JobOutcome:
    """The end of a job that something has gone wrong with."""
    return JobOutcome(phase=ExecutionPhase.ERROR, fault=fault)


def check_job_takes_bytes(unit: UnitOfWork, job_id: str | None) -> None:
    """An address for bytes is good while its job runs: for one upload that succeeds."""
    if job_id is None:
        return
    found = unit.jobs.phase(job_id)
    if found is None or found[0] is not ExecutionPhase.EXECUTING:
        raise PermissionDenied("this address for bytes has been used or withdrawn")


def complete_job(
    unit: UnitOfWork,
    job_id: str | None,
    *,
    now: datetime,
    results: Sequence[JobResult] = (),
) -> None:
    """End the job of an upload well, in the transaction that makes the upload count."""
    if job_id is not None:
        end_job(unit, job_id, JobOutcome(results=results), now=now)


def keep_job_alive(unit: UnitOfWork, job_id: str, *, until: datetime) -> None:
    """Let a job that waits for its bytes go on until then; a worker speaks for itself."""
    record = unit.jobs.get(job_id)
    if record is None or record.worker is not None:
        return
    if record.phase is ExecutionPhase.EXECUTING:
        unit.jobs.change(record, worker_until=until)


def end_job(
    unit: UnitOfWork,
    job_id: str,
    outcome: JobOutcome,
    *,
    now: datetime,
    worker: str | None = None,
) -> bool:
    """End a job in a transaction of somebody else's, together with what it did.

    False when it has ended before, or when it is not `worker` (None: whoever) that does it.
    """
    record = unit.jobs.get(job_id)
    if record is None or not record.phase.may_become(outcome.phase):
        return False
    if worker is not None and record.worker != worker:
        return False
    values: dict[str, Any] = {} if outcome.fault is None else dict(error_values(outcome.fault))
    if outcome.phase is ExecutionPhase.COMPLETED and record.progress is not None:
        values["progress"] = 1.0
    ended = unit.jobs.change(
        record,
        phase=outcome.phase.value,
        ended_at=now,
        worker=None,
        worker_until=None,
        **values,
    )
    if ended:
        for result in outcome.results:
            unit.jobs.add_result(job_id, result)
    return ended


def _take_up(unit: UnitOfWork, record: JobRecord, now: datetime) -> None:
    """Decide about a job whose worker has not been heard of."""
    if record.worker is None:
        fault = TransferFailed("it was given up: its bytes never came")
    elif not JobKind(record.kind).is_resumable:
        fault = TransferFailed("it was given up: the server stopped while it did it")
    elif record.position.interruptions >= _MAX_INTERRUPTIONS:
        fault = TransferFailed("it was given up: it was interrupted again and again")
    else:
        _queue_again(unit, record)
        return
    end_job(unit, record.job_id, failed(fault), now=now, worker=record.worker)


def _queue_again(unit: UnitOfWork, record: JobRecord) -> None:
    position = record.position
    once_more = JobCursor(place=position.place, interruptions=position.interruptions + 1)
    unit.jobs.change(
        record,
        phase=ExecutionPhase.QUEUED.value,
        worker=None,
        worker_until=None,
        cursor=once_more.encode(),
    )
