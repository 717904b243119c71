"""JobRunner: threads that do queued jobs, one job at a time each.

Jobs wait in the database, so any process may do them and none is lost with one. The process
that queued a job wakes its own runner; the others look from time to time.
"""

import logging
import os
import secrets
import socket
import threading
from collections.abc import Callable, Mapping
from typing import Final

from vospace_model.faults import ServiceBusy
from vospace_server.services.job_work import JobWork
from vospace_server.services.jobs import JobService

_LOG = logging.getLogger(__name__)

_THREADS: Final = 2
_LOOK_SECONDS: Final = 2.0
_BATCH: Final = 10
# Well below the patience of those who take a silent worker for dead.
_HEARTBEAT_SECONDS: Final = 15.0


class JobRunner:
    """Started and stopped with the application. A job that runs at the stop is finished.

    Before each job `check` is asked; while it raises ServiceBusy, jobs wait.
    """

    def __init__(self, *, check: Callable[[], None] = lambda: None) -> None:
        self._check = check
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def wake(self) -> None:
        """There is something to do."""
        self._wake.set()

    def start(self, *, jobs: JobService, work: Mapping[str, JobWork]) -> None:
        """Begin to take jobs; `work` says who does those of a kind."""
        for number in range(_THREADS):
            worker = f"{socket.gethostname()}-{os.getpid()}-{number}-{secrets.token_hex(4)}"
            thread = threading.Thread(
                target=self._work,
                args=(jobs, work, worker),
                name=f"job-runner-{number}",
            )
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Take no more jobs and wait until those under way have ended."""
        self._stopping.set()
        self._wake.set()
        for thread in self._threads:
            thread.join()

    def _work(self, jobs: JobService, work: Mapping[str, JobWork], worker: str) -> None:
        while not self._stopping.is_set():
            self._wake.wait(_LOOK_SECONDS)
            self._wake.clear()
            try:
                self._do_queued(jobs, work, worker)
            except ServiceBusy as fault:
                _LOG.info("jobs wait: %s", fault)
            except Exception:  # noqa: BLE001 - one bad job must not stop the others
                _LOG.exception("the job runner goes on after an unexpected failure")

    def _do_queued(self, jobs: JobService, work: Mapping[str, JobWork], worker: str) -> None:
        while queued := jobs.queued(_BATCH):
            for record in queued:
                if self._stopping.is_set():
                    return
                self._check()
                with _Heartbeat(jobs, record.job_id):
                    work[record.kind].execute(record.job_id, worker=worker)


class _Heartbeat:
    """While a job runs, says from time to time that its worker lives."""

    def __init__(self, jobs: JobService, job_id: str) -> None:
        self._jobs = jobs
        self._job_id = job_id
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="job-heartbeat", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._done.wait(_HEARTBEAT_SECONDS):
            self._jobs.keep_alive(self._job_id)
