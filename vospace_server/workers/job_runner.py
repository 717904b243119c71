"""JobRunner: threads that do queued jobs, one job at a time each.

Jobs wait in the database, so any process may do them and none is lost with one. The process
that queued a job wakes its own runner; the others look from time to time. Jobs that may take
long have threads of their own, so that a move never waits for somebody's million files;
and owners take turns, so that nobody waits for somebody's ten thousand jobs.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from vospace_model.faults import ServiceBusy
from vospace_server.services.job_ledger import JobLedger
from vospace_server.services.job_work import JobWork, Worker
from vospace_server.services.jobs import JobKind
from vospace_server.workers.worker_names import is_gone, worker_name

_LOG = logging.getLogger(__name__)

_THREADS: Final = 2
_LOOK_SECONDS: Final = 2.0


class JobRunner:
    """Started and stopped with the application.

    At the stop, long jobs are handed back, to be gone on with by another process or after the
    next start; quick ones are finished. Before each job `check` is asked; while it raises
    ServiceBusy, jobs wait.
    """

    def __init__(self, *, check: Callable[[], None] = lambda: None) -> None:
        self._check = check
        self._wakers: list[threading.Event] = []
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def wake(self) -> None:
        """There is something to do."""
        for waker in self._wakers:
            waker.set()

    def start(self, *, jobs: JobLedger, work: Mapping[JobKind, JobWork]) -> None:
        """Begin to take jobs; `work` says who does those of a kind.

        Jobs of a former process of this host are taken over at once, those of other hosts
        when the sweeper has not heard of them for a while.
        """
        try:
            jobs.take_over(is_gone)
        except ServiceBusy as fault:
            _LOG.info("jobs of former processes are left to the sweeper: %s", fault)
        self._start_lane("job-runner", [k for k in work if not k.is_long], jobs, work)
        self._start_lane("long-job-runner", [k for k in work if k.is_long], jobs, work)

    def stop(self) -> None:
        """Take no more jobs and wait until those under way have ended or been handed back."""
        self._stopping.set()
        self.wake()
        for thread in self._threads:
            thread.join()

    def _start_lane(
        self,
        name: str,
        kinds: Sequence[JobKind],
        jobs: JobLedger,
        work: Mapping[JobKind, JobWork],
    ) -> None:
        if not kinds:
            return
        for number in range(_THREADS):
            lane = _Lane(
                jobs=jobs,
                work={kind: work[kind] for kind in kinds},
                worker=Worker(name=worker_name(f"{name}-{number}"), stopping=self._stopping),
                check=self._check,
            )
            thread = threading.Thread(target=lane.run, name=f"{name}-{number}")
            self._wakers.append(lane.wake)
            self._threads.append(thread)
            thread.start()


class _Lane:
    """One thread, and the kinds of jobs that it does."""

    def __init__(
        self,
        *,
        jobs: JobLedger,
        work: Mapping[JobKind, JobWork],
        worker: Worker,
        check: Callable[[], None],
    ) -> None:
        self.wake = threading.Event()
        self._jobs = jobs
        self._work = work
        self._worker = worker
        self._check = check
        # Whose job this lane did last: the next is somebody else's, if somebody else waits.
        self._last_owner = -1

    def run(self) -> None:
        while not self._worker.stopping.is_set():
            self.wake.wait(_LOOK_SECONDS)
            self.wake.clear()
            try:
                self._do_queued()
            except ServiceBusy as fault:
                _LOG.info("jobs wait: %s", fault)
            except Exception:  # noqa: BLE001 - one bad job must not stop the others
                _LOG.exception("the job runner goes on after an unexpected failure")

    def _do_queued(self) -> None:
        while not self._worker.stopping.is_set():
            record = self._jobs.next_queued(list(self._work), after_owner=self._last_owner)
            if record is None:
                return
            self._check()
            self._last_owner = record.owner_id
            self._work[JobKind(record.kind)].execute(record.job_id, worker=self._worker)
