"""JobRecord: a job as we keep it."""

from dataclasses import dataclass, field
from datetime import datetime

from vospace_model.faults import FAULTS_BY_NAME, Fault, InternalFault
from vospace_model.jobs import ExecutionPhase, JobParameter, JobResult


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """One job with its parameters and results; times are aware, durations are seconds.

    `request` is what is to be done, as JSON of the kind's own shape; `cursor` is how far it
    has come, so that an interrupted job goes on there.
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
    abort_requested: datetime | None = None
    version: int = 1
    parameters: tuple[JobParameter, ...] = field(default=())
    results: tuple[JobResult, ...] = field(default=())

    @property
    def fault(self) -> Fault | None:
        """The fault that the job ended with, None if with none."""
        if self.error_fault is None:
            return None
        return FAULTS_BY_NAME.get(self.error_fault, InternalFault)(self.error_detail or "")
