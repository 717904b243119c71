"""JobWork: what the job runner asks of those who do jobs, one for each kind of job."""

import secrets
import threading
from dataclasses import dataclass, field
from typing import Protocol

from vospace_model.faults import Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """Who does a job: one thread of one process, under a name that no other ever has.

    `stopping` is set when the process ends: long work is then handed back at once.
    """

    name: str
    stopping: threading.Event = field(default_factory=threading.Event)


def worker_in_request() -> Worker:
    """The worker of a job that is done while a client waits for the answer."""
    return Worker(name=f"request-{secrets.token_hex(8)}")


class JobWork(Protocol):
    """Does the jobs of one kind."""

    def execute(self, job_id: str, *, worker: Worker | None = None) -> Fault | None:
        """Do a job unless somebody else has begun it; what goes wrong ends it, and is returned.

        `worker` is the thread that does it in the background; None for a request that waits.
        """
