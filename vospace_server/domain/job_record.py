"""JobRecord: a job as we keep it."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from vospace_model.faults import FAULTS_BY_NAME, Fault, InternalFault
from vospace_model.jobs import ExecutionPhase, JobParameter, JobResult
from vospace_server.domain.job_cursor import JobCursor
from vospace_server.domain.token_scope import TokenScope

# From less than this nothing can be foretold.
_LEAST_PROGRESS: Final = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """One job with its parameters and results; times are aware, durations are seconds.

    `request` is what is to be done, as JSON of the kind's own shape, which has a key `scope`:
    the label of the TokenScope of whoever asked for it. `cursor` is how far it has come
    (JobCursor), so that an interrupted job goes on there; `progress` is a number from 0 to 1,
    None while unknown.
    `worker` is who works on it; None: nobody, or it waits for bytes.
    """

    job_id: str
    kind: str
    owner_id: int
    owner_name: str
    phase: ExecutionPhase
    request: str
    created: datetime
    run_id: str | None = None
    started: datetime | None = None
    ended: datetime | None = None
    destruction: datetime | None = None
    execution_seconds: int = 0
    error_fault: str | None = None
    error_detail: str | None = None
    cursor: str | None = None
    progress: float | None = None
    worker: str | None = None
    version: int = 1
    parameters: tuple[JobParameter, ...] = field(default=())
    results: tuple[JobResult, ...] = field(default=())

    @property
    def scope(self) -> TokenScope:
        """The most that the credential allowed with which the job was made."""
        return TokenScope.decode(json.loads(self.request)["scope"])

    @property
    def position(self) -> JobCursor:
        """Where the job goes on."""
        return JobCursor.decode(self.cursor)

    def quote(self, now: datetime) -> datetime | None:
        """When the job will probably end, judged by its progress; None while unknown."""
        if self.phase is not ExecutionPhase.EXECUTING or self.started is None:
            return None
        if self.progress is None or self.progress < _LEAST_PROGRESS:
            return None
        return self.started + (now - self.started) / self.progress

    @property
    def fault(self) -> Fault | None:
        """The fault that the job ended with, None if with none."""
        if self.error_fault is None:
            return None
        return FAULTS_BY_NAME.get(self.error_fault, InternalFault)(self.error_detail or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStanding:
    """What a worker must know of its job from time to time: whether it may go on."""

    phase: ExecutionPhase
    worker: str | None
    started: datetime | None
    execution_seconds: int

    def over_at(self, now: datetime) -> bool:
        """Whether the time that the job may take is over; 0 seconds are no limit (UWS)."""
        if self.started is None or not self.execution_seconds:
            return False
        return (now - self.started).total_seconds() >= self.execution_seconds
