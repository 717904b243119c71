"""JobService: jobs as their owners see them (UWS 1.1); job_ledger.py has the workers' side."""

import enum
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from vospace_model.faults import (
    InvalidArgument,
    NodeNotFound,
    NotAuthenticated,
    PermissionDenied,
    ServiceBusy,
)
from vospace_model.jobs import ExecutionPhase, JobParameter
from vospace_server.database.engine import Database
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.domain.identity import Anonymous, Caller, Identity
from vospace_server.domain.job_line import places_of
from vospace_server.domain.job_record import JobRecord
from vospace_server.domain.token_scope import ScopeLevel

# Nobody is logged in: whoever knows the id of such a job may use it.
_NOBODY_ID = 0
_ID_BYTES = 16
# Jobs are kept for a week after their creation, as a client may ask for the result late.
_LIFETIME = timedelta(days=7)
_LONGEST_LIFE = timedelta(days=30)
LONGEST_EXECUTION: Final = timedelta(days=7)
"""The most that a client may ask for."""
_CONFLICT_ATTEMPTS = 5


class JobKind(enum.StrEnum):
    """Which list a job belongs to, and so who does it."""

    TRANSFER = "transfer"
    # Copies, and transfers whose bytes we move ourselves; on the same list.
    LONG_TRANSFER = "longtransfer"
    SYNC_TRANSFER = "synctrans"
    PACKAGE = "package"
    DELETE = "delete"
    SET_PROPERTIES = "setprops"

    @property
    def is_long(self) -> bool:
        """Whether its jobs may take long, and so must not keep the others waiting."""
        return self in _LONG_KINDS

    @property
    def is_resumable(self) -> bool:
        """Whether a job that was interrupted can be gone on with where its cursor says.

        Whoever does such jobs ends them in the transaction of their last step, so that none
        is done twice.
        """
        return self not in _TIED_TO_A_REQUEST


_LONG_KINDS: Final = frozenset({JobKind.LONG_TRANSFER, JobKind.DELETE, JobKind.SET_PROPERTIES})
_TIED_TO_A_REQUEST: Final = frozenset({JobKind.SYNC_TRANSFER, JobKind.PACKAGE})

TRANSFER_KINDS: Final = (JobKind.TRANSFER, JobKind.LONG_TRANSFER)
"""The kinds that `/transfers` lists."""


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
    """Creates, starts, aborts and forgets jobs.

    `wake_runner` is called when a job has been queued. Faults: NodeNotFound for a job that does
    not exist, PermissionDenied for somebody else's and for one that was made with a credential
    that reaches further than the caller's.
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
            if record.owner_id != _NOBODY_ID and new.kind is not JobKind.SYNC_TRANSFER:
                places = places_of(record.request)
                unit.job_lines.note_places(record.job_id, record.owner_id, places)
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
        kinds: Sequence[JobKind],
        *,
        phases: Sequence[ExecutionPhase] = (),
        after: datetime | None = None,
        limit: int | None = None,
    ) -> Sequence[JobRecord]:
        """The caller's jobs of some kinds, the newest first. Raises NotAuthenticated.

        A credential that is limited to some paths is told of jobs that are as well.
        `after`: only those created after that time; `limit`: only so many (UWS 1.1, 2.2.2.2).
        """
        if isinstance(caller, Anonymous):
            raise NotAuthenticated("log in to see your jobs")
        most = None if caller.scope.is_limited else limit
        with self._database.read() as unit:
            found = unit.jobs.list_of(
                caller.user_id, kinds, phases=phases, after=after, limit=most
            )
        return [record for record in found if _reaches_all_of(caller, record)][:limit]

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

    def set_destruction(self, caller: Caller, job_id: str, wanted: datetime) -> datetime:
        """Let a job be forgotten at that time; returns what was granted (UWS 1.1, 2.1.6).

        At most so long after its creation as jobs are kept at all, and not in the past.
        """
        with self._database.write() as unit:
            record = _owned(unit, caller, job_id)
            granted = min(max(wanted, self._clock()), record.created + _LONGEST_LIFE)
            self._set(unit, record, destruction_at=granted)
        return granted

    def set_execution_duration(self, caller: Caller, job_id: str, seconds: int) -> int:
        """Let a job take at most so many seconds; 0: as long as it takes, within our limit.

        Returns what was granted, at most LONGEST_EXECUTION (UWS 1.1, 2.1.7).
        """
        limit = int(LONGEST_EXECUTION.total_seconds())
        granted = min(seconds, limit)
        with self._database.write() as unit:
            record = _owned(unit, caller, job_id)
            self._set(unit, record, execution_seconds=granted)
        return granted

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
        raise _changing()

    def _set(self, unit: UnitOfWork, record: JobRecord, **values: object) -> None:
        if record.phase.is_final:
            raise InvalidArgument("the job has ended; nothing about it can be set any more")
        if not unit.jobs.change(record, **values):
            raise _changing()


def _changing() -> ServiceBusy:
    return ServiceBusy("the job is changing; try again", 1)


def _owned(unit: UnitOfWork, caller: Caller, job_id: str) -> JobRecord:
    record = unit.jobs.get(job_id)
    if record is None:
        raise NodeNotFound(f"there is no job {job_id[:64]}")
    may_see = record.owner_id == _owner_id(caller) or caller.acts_as_admin
    if record.owner_id != _NOBODY_ID and not may_see:
        if isinstance(caller, Anonymous):
            raise NotAuthenticated("log in to see this job")
        raise PermissionDenied("this is somebody else's job")
    if isinstance(caller, Identity) and not _reaches_all_of(caller, record):
        raise PermissionDenied(
            f"this job was made with a credential that reaches further; yours is limited to "
            f"{caller.scope.label}"
        )
    return record


def _reaches_all_of(caller: Identity, record: JobRecord) -> bool:
    limited = caller.scope.is_limited
    return not limited or caller.scope.covers(record.scope, up_to=ScopeLevel.READ)


def _owner_id(caller: Caller) -> int:
    return caller.user_id if isinstance(caller, Identity) else _NOBODY_ID
