"""JobExecution: everything about doing a job that is the same for all kinds of jobs."""

import logging
from collections.abc import Callable
from typing import Protocol

from vospace_model.faults import Fault, InternalFault, ServiceBusy
from vospace_server.domain.identity import ANONYMOUS, Caller, Identity
from vospace_server.domain.job_record import JobRecord
from vospace_server.domain.token_scope import TokenScope
from vospace_server.services.job_control import (
    JobControl,
    JobHandedBackError,
    JobInterruptedError,
)
from vospace_server.services.job_ledger import JobLedger, JobOutcome
from vospace_server.services.job_work import Worker, worker_in_request
from vospace_server.services.jobs import JobKind

_LOG = logging.getLogger(__name__)

Identify = Callable[[str, TokenScope], Identity]
"""The account of this name as it is now, limited to a scope. Raises PermissionDenied when it
was disabled or is gone."""


class JobTask(Protocol):
    """The part that differs: what a job of some kind asks for."""

    def do(self, control: JobControl) -> JobOutcome | None:
        """Do the job, or go on with it where `control.place` says.

        Returns how it ends; None when that has been written already, by `control.complete` in
        the transaction of the last step, or when the job goes on without a worker. A Fault
        that is raised ends it in ERROR. JobInterruptedError is let through.
        """


class JobExecution:
    """A JobWork: begins jobs, has them done, and ends them accordingly."""

    def __init__(self, *, ledger: JobLedger, identify: Identify, task: JobTask) -> None:
        self._ledger = ledger
        self._identify = identify
        self._task = task

    def execute(self, job_id: str, *, worker: Worker | None = None) -> Fault | None:
        """Do a job that nobody else has begun; what goes wrong ends it, and is returned."""
        worker_or_request = worker or worker_in_request()
        record = self._ledger.begin(job_id, worker=worker_or_request.name)
        if record is None:
            return None
        kind = JobKind(record.kind)
        control = JobControl(
            ledger=self._ledger,
            record=record,
            worker=worker_or_request,
            identify=self._owner,
            may_hand_back=kind.is_resumable,
        )
        if worker is None:
            return self._done(control, worker_or_request, kind)
        with control.watched():
            return self._done(control, worker_or_request, kind)

    def _done(self, control: JobControl, worker: Worker, kind: JobKind) -> Fault | None:
        job_id = control.job_id
        try:
            outcome = self._task.do(control)
            if outcome is not None:
                self._ledger.end(job_id, outcome, worker=worker.name)
        except JobHandedBackError:
            self._ledger.hand_back(job_id, worker=worker.name)
        except JobInterruptedError:
            _LOG.info("job %s was ended before it was done", job_id)
        except Fault as fault:
            if isinstance(fault, ServiceBusy) and kind.is_long:
                # Its worker falls silent, and the sweeper queues it again after a while.
                _LOG.info("job %s waits: %s", job_id, fault)
                return fault
            self._ledger.fail(job_id, fault, worker=worker.name)
            return fault
        except Exception:
            unexpected = InternalFault("unexpected failure; the log has the cause")
            self._ledger.fail(job_id, unexpected, worker=worker.name)
            raise
        return None

    def _owner(self, record: JobRecord) -> Caller:
        if not record.owner_name:
            return ANONYMOUS
        return self._identify(record.owner_name, record.scope)
