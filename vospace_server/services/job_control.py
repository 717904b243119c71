"""JobControl: what somebody who does a long job is given to do it with."""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from vospace_model.faults import ServiceBusy
from vospace_model.jobs import ExecutionPhase, JobResult
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.domain.identity import Caller
from vospace_server.domain.job_cursor import JobCursor
from vospace_server.domain.job_record import JobRecord
from vospace_server.services.job_ledger import JobLedger, JobOutcome, end_job
from vospace_server.services.job_work import Worker

_LOG = logging.getLogger(__name__)

_LOOK_SECONDS: Final = 0.5
_REPORT_SECONDS: Final = 1.0
# Well below the patience of those who take a silent worker for dead.
_HEARTBEAT_SECONDS: Final = 15.0


class JobInterruptedError(Exception):
    """A job must not be gone on with by this worker; never an error of the job."""


class JobOverError(JobInterruptedError):
    """The job was aborted or destroyed, its time is over, or another worker has it.

    What it has made aside is to be given up, if `JobControl.may_clean_up`.
    """


class JobHandedBackError(JobInterruptedError):
    """The process stops: leave everything as it is, another worker goes on from the cursor."""


class JobControl:
    """One job while it is done: may it go on, how far is it, who asked for it.

    Used by the thread that does the job; `on_stop` callbacks run in the thread that watches.
    """

    def __init__(
        self,
        *,
        ledger: JobLedger,
        record: JobRecord,
        worker: Worker,
        identify: Callable[[JobRecord], Caller],
        may_hand_back: bool,
    ) -> None:
        self.record = record
        self._ledger = ledger
        self._worker = worker
        self._identify = identify
        self._may_hand_back = may_hand_back
        self._place = record.position.place
        self._looked = time.monotonic()
        self._reported = 0.0
        # Why the work must end, once it must: set by whoever sees it first, never taken back.
        self._verdict: type[JobInterruptedError] | None = None
        self._stoppers: list[Callable[[], None]] = []
        self._done = threading.Event()

    @property
    def job_id(self) -> str:
        """The job's id."""
        return self.record.job_id

    @property
    def place(self) -> Any:
        """Where to go on: what was saved last, by whichever worker; None: at the start."""
        return self._place

    def caller(self) -> Caller:
        """Whoever asked for the job, with the groups and rights of now, at most its scope.

        Raises PermissionDenied when the account was disabled or is gone.
        """
        return self._identify(self.record)

    def check(self) -> None:
        """Raise JobInterruptedError if the work must end; to be called often, costs nothing."""
        if self._verdict is None and time.monotonic() - self._looked > _LOOK_SECONDS:
            self._look()
        if self._verdict is None and self._must_hand_back():
            self._verdict = JobHandedBackError
        if self._verdict is not None:
            raise self._verdict(self.job_id)

    def report(self, progress: float) -> None:
        """Say how much is done, from 0 to 1; seldom written, however often it is said."""
        self.check()
        now = time.monotonic()
        if now - self._reported < _REPORT_SECONDS:
            return
        self._reported = now
        values = {"progress": min(max(progress, 0.0), 1.0)}
        if not self._ledger.save(self.job_id, worker=self._worker.name, values=values):
            self._verdict = JobOverError
            raise JobOverError(self.job_id)

    def hold(self, unit: UnitOfWork) -> None:
        """Begin a step: nobody else takes or ends the job before the transaction does.

        Raises JobOverError when somebody has. A step that only saves at its end could meet
        what another worker has done meanwhile.
        """
        if not unit.jobs.save_work(self.job_id, self._worker.name):
            raise JobOverError(self.job_id)

    def may_clean_up(self, unit: UnitOfWork) -> bool:
        """Whether what the work has made aside is nobody else's to go on with."""
        standing = unit.jobs.standing(self.job_id)
        if standing is None or standing.phase.is_final:
            return True
        return unit.jobs.save_work(self.job_id, self._worker.name)

    def save(self, unit: UnitOfWork, *, place: Any, progress: float | None = None) -> None:
        """Write where to go on, in the transaction of the step that leads there.

        So a step is done once however often the job is interrupted. `place` is JSON. Raises
        JobOverError when the job was aborted or has another worker, and the step must not be.
        """
        values: dict[str, Any] = {"cursor": JobCursor(place=place).encode()}
        if progress is not None:
            values["progress"] = min(max(progress, 0.0), 1.0)
        if not unit.jobs.save_work(self.job_id, self._worker.name, **values):
            raise JobOverError(self.job_id)
        # Right even if the transaction is repeated: the step is then taken again whole.
        self._place = place

    def complete(self, unit: UnitOfWork, results: Sequence[JobResult] = ()) -> None:
        """End the job well in the transaction of its last step; raises as `save`."""
        ended = end_job(
            unit,
            self.job_id,
            JobOutcome(results=results),
            now=self._ledger.clock(),
            worker=self._worker.name,
        )
        if not ended:
            raise JobOverError(self.job_id)

    def await_bytes(self, results: Sequence[JobResult], *, expires: float) -> None:
        """Leave the job EXECUTING without a worker until its bytes come, or until that time."""
        self._ledger.add_results(self.job_id, results)
        until = datetime.fromtimestamp(expires, UTC)
        self._ledger.await_bytes(self.job_id, worker=self._worker.name, until=until)

    @contextlib.contextmanager
    def on_stop(self, callback: Callable[[], None]) -> Iterator[None]:
        """Within the block, call this from another thread once the work must end.

        For waits that can't be interrupted otherwise: it closes what is waited for.
        """
        self._stoppers.append(callback)
        try:
            yield
        finally:
            self._stoppers.remove(callback)

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Within the block, a thread says that the worker lives and looks for an end."""
        thread = threading.Thread(target=self._watch, name="job-watch", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._done.set()
            thread.join()

    def _watch(self) -> None:
        beat = time.monotonic()
        stopped = False
        while not self._done.wait(_LOOK_SECONDS):
            try:
                self._look()
                if time.monotonic() - beat > _HEARTBEAT_SECONDS:
                    self._ledger.keep_alive(self.job_id, worker=self._worker.name)
                    beat = time.monotonic()
            except ServiceBusy as fault:
                _LOG.info("job %s is not heard of for now: %s", self.job_id, fault)
            must_end = self._verdict is not None or self._must_hand_back()
            if must_end and not stopped:
                stopped = True
                for callback in list(self._stoppers):
                    callback()

    def _look(self) -> None:
        self._looked = time.monotonic()
        standing = self._ledger.standing(self.job_id)
        mine = (
            standing is not None
            and standing.phase is ExecutionPhase.EXECUTING
            and standing.worker == self._worker.name
        )
        if not mine:
            self._verdict = JobOverError
        elif standing is not None and standing.over_at(self._ledger.clock()):
            # UWS 1.1, 2.1.8: a job that exceeds its execution duration is aborted.
            out_of_time = JobOutcome(phase=ExecutionPhase.ABORTED)
            self._ledger.end(self.job_id, out_of_time, worker=self._worker.name)
            self._verdict = JobOverError

    def _must_hand_back(self) -> bool:
        return self._may_hand_back and self._worker.stopping.is_set()
