"""JobWork: what the job runner asks of those who do jobs, one for each kind of job."""

from typing import Protocol

from vospace_model.faults import Fault


class JobWork(Protocol):
    """Does the jobs of one kind."""

    def execute(self, job_id: str, *, worker: str | None = None) -> Fault | None:
        """Do a job unless somebody else has begun it; what goes wrong ends it, and is returned.

        `worker` names the thread that does it in the background; None for a request that waits.
        """
