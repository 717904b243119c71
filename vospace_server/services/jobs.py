"""JobService: jobs from their creation to their end, seen by their owners alone (UWS 1.1)."""

import enum
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from vospace_model.faults import (
    Fault,
    NodeNotFound,
    NotAuthenticated,
    PermissionDenied,
    ServiceBusy,
    TransferFailed,
)
from vospace_model.jobs import ExecutionPhase, JobParameter, JobResult
from vospace_server.database.engine import Database
from vospace_server.database.jobs import error_values
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.domain.identity import Anonymous, Caller, Identity
from vospace_server.domain.job_record import JobRecord

# Nobody is logged in: whoever knows the id of such a job may use it.
_NOBODY_ID = 0
_ID_BYTES = 16
# Jobs are kept for a week after their creation, as a client may ask for the result late.
_LIFETIME = timedelta(days=7)
_CONFLICT_ATTEMPTS = 5


class JobKind(enum.StrEnum):
    """Which list a job belongs to, and so who does it."""

    TRANSFER = "transfer"
    SYNC_TRANSFER = "synctrans"
    PACKAGE = "package"
    DELETE = "delete"
    SET_PROPERTIES = "setprops"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """What a client asks for."""

    kind: JobKind
    request: str
    parameters: tuple[JobParameter, ...] = ()
    run_id: str | None = None
    execution_seconds: int = 0
    # SUSPENDED for work that begins when its result is fetched.
    phase: ExecutionPhase = ExecutionPhase.PENDING


def _now() -> datetime:
    return datetime.now(UTC)


class JobService:
    """Creates, starts, ends and forgets jobs.

    `wake_runner` is called when a job has been queued. Faults: NodeNotFound for a job that does
    not exist, PermissionDenied for somebody else's.
    """

    def __init__(
        self,
        *,
        database: Database,
        wake_runner: Callable[[], None],
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._database = database
        self._wake_runner = wake_runner
        self._clock = clock

    def create(self, caller: Caller, new: NewJob) -> JobRecord:
        """A new job of the caller's, PENDING unless the order says otherwise."""
        now = self._clock()
        record = JobRecord(
            job_id=secrets.token_hex(_ID_BYTES),
            kind=new.kind,
            owner_id=_owner_id(caller),
            owner_name=caller.name if isinstance(caller, Identity) else "",
            phase=new.phase,
            request=new.request,
            created=now,
            run_id=new.run_id,
            destruction=now + _LIFETIME,
            execution_seconds=new.execution_seconds,
            parameters=new.parameters,
        )
        with self._database.write() as unit:
            unit.jobs.add(record)
        return record

    def get(self, caller: Caller, job_id: str) -> JobRecord:
        """A job of the caller's."""
        with self._database.read() as unit:
            return _owned(unit, caller, job_id)

    def find(self, job_id: str) -> JobRecord | None:
        """A job, whoever asks: for the server's own work on it."""
        with self._database.read() as unit:
            return unit.jobs.get(job_id)

    def list_of(
        self,
        caller: Caller,
        kind: JobKind,
        *,
        phases: Sequence[ExecutionPhase] = (),
        limit: int | None = None,
    ) -> Sequence[JobRecord]:
        """The caller's jobs of a kind, the newest first. Raises NotAuthenticated."""
        if isinstance(caller, Anonymous):
            raise NotAuthenticated("log in to see your jobs")
        with self._database.read() as unit:
            return unit.jobs.list_of(caller.user_id, kind, phases=phases, limit=limit)

    def phase(self, job_id: str) -> tuple[ExecutionPhase, int] | None:
        """Phase and version, for those who wait; whose job it is has been asked before."""
        with self._database.read() as unit:
            return unit.jobs.phase(job_id)

    def run(self, caller: Caller, job_id: str) -> None:
        """Queue a job. Harmless when that has been done before."""
        record = self._change(caller, job_id, ExecutionPhase.QUEUED, phase_only=True)
        if record.phase is ExecutionPhase.PENDING:
            self._wake_runner()

    def abort(self, caller: Caller, job_id: str) -> None:
        """End a job that has not ended; one that has keeps its phase."""
        self._change(caller, job_id, ExecutionPhase.ABORTED)

    def remove(self, caller: Caller, job_id: str) -> None:
        """Forget a job; one that runs is given up."""
        with self._database.write() as unit:
            _owned(unit, caller, job_id)
            unit.jobs.remove(job_id)

    def begin(self, job_id: str, *, worker: str | None = None) -> JobRecord | None:
        """Take a PENDING or QUEUED job to EXECUTING; None when somebody else was faster."""
        now = self._clock()
        with self._database.write() as unit:
            record = unit.jobs.get(job_id)
            if record is None or not record.phase.may_become(ExecutionPhase.EXECUTING):
                return None
            begun = unit.jobs.change(
                record,
                phase=ExecutionPhase.EXECUTING.value,
                started_at=now,
                worker=worker,
                worker_until=None if worker is None else now + WORKER_PATIENCE,
            )
            return unit.jobs.get(job_id) if begun else None

    def complete(self, job_id: str, results: Sequence[JobResult] = ()) -> None:
        """End a job well, unless it has ended otherwise meanwhile."""
        with self._database.write() as unit:
            complete_job(unit, job_id, now=self._clock(), results=results)

    def add_results(self, job_id: str, results: Sequence[JobResult]) -> None:
        """Results of a job that goes on."""
        with self._database.write() as unit:
            for result in results:
                unit.jobs.add_result(job_id, result)

    def fail(self, job_id: str, fault: Fault) -> None:
        """End a job with a fault, unless it has ended otherwise meanwhile."""
        with self._database.write() as unit:
            _end(unit, job_id, ExecutionPhase.ERROR, now=self._clock(), **error_values(fault))

    def queued(self, limit: int) -> Sequence[JobRecord]:
        """Jobs that wait for a worker, the oldest first."""
        with self._database.read() as unit:
            return unit.jobs.in_phase(ExecutionPhase.QUEUED, limit)

    def keep_alive(self, job_id: str) -> None:
        """Say that a worker still works on a job."""
        with self._database.write() as unit:
            keep_job_alive(unit, job_id, until=self._clock() + WORKER_PATIENCE)

    def await_bytes(self, job_id: str, *, until: datetime) -> None:
        """Let a job go on without a worker: it ends with the bytes, or at that time."""
        with self._database.write() as unit:
            keep_job_alive(unit, job_id, until=until)

    def sweep(self, limit: int = 100) -> int:
        """End jobs that nobody works on, forget those whose time has come; says how many.

        A worker whose process ended leaves such a job, and a client that never sent its bytes.
        """
        now = self._clock()
        with self._database.read() as unit:
            if not unit.jobs.orphaned(now, 1) and not unit.jobs.expired(now, 1):
                return 0
        with self._database.write() as unit:
            orphaned = unit.jobs.orphaned(now, limit)
            for record in orphaned:
                fault = TransferFailed("it was given up: nobody worked on it any more")
                _end(unit, record.job_id, ExecutionPhase.ERROR, now=now, **error_values(fault))
            expired = unit.jobs.expired(now, limit)
            for job_id in expired:
                unit.jobs.remove(job_id)
        return len(orphaned) + len(expired)

    def _change(
        self, caller: Caller, job_id: str, phase: ExecutionPhase, *, phase_only: bool = False
    ) -> JobRecord:
        """Take a job to a phase where it may go there; returns it as it was before."""
        for _ in range(_CONFLICT_ATTEMPTS):
            with self._database.write() as unit:
                record = _owned(unit, caller, job_id)
                if not record.phase.may_become(phase):
                    return record
                values = {"phase": phase.value}
                ended = {} if phase_only else {"ended_at": self._clock()}
                if unit.jobs.change(record, **values, **ended):
                    return record
        raise ServiceBusy("the job is changing; try again", 1)


# A worker says this often that it lives; after so long without a word it is taken for dead.
WORKER_PATIENCE = timedelta(seconds=60)


def complete_job(
    unit: UnitOfWork, job_id: str, *, now: datetime, results: Sequence[JobResult] = ()
) -> None:
    """End a job well in a transaction of somebody else's, together with what it did."""
    if _end(unit, job_id, ExecutionPhase.COMPLETED, now=now):
        for result in results:
            unit.jobs.add_result(job_id, result)


def keep_job_alive(unit: UnitOfWork, job_id: str, *, until: datetime) -> None:
    """Let a job that executes go on until then, in a transaction of somebody else's."""
    record = unit.jobs.get(job_id)
    if record is not None and record.phase is ExecutionPhase.EXECUTING:
        unit.jobs.change(record, worker_until=until)


def _end(
    unit: UnitOfWork, job_id: str, phase: ExecutionPhase, *, now: datetime, **values: str
) -> bool:
    record = unit.jobs.get(job_id)
    if record is None or not record.phase.may_become(phase):
        return False
    return unit.jobs.change(
        record, phase=phase.value, ended_at=now, worker=None, worker_until=None, **values
    )


def _owned(unit: UnitOfWork, caller: Caller, job_id: str) -> JobRecord:
    record = unit.jobs.get(job_id)
    if record is None:
        raise NodeNotFound(f"there is no job {job_id[:64]}")
    may_see = record.owner_id == _owner_id(caller) or caller.acts_as_admin
    if record.owner_id != _NOBODY_ID and not may_see:
        if isinstance(caller, Anonymous):
            raise NotAuthenticated("log in to see this job")
        raise PermissionDenied("this is somebody else's job")
    return record


def _owner_id(caller: Caller) -> int:
    return caller.user_id if isinstance(caller, Identity) else _NOBODY_ID
