"""Jobs on whole trees without a server: made and done by the test, step by step if need be."""

from collections.abc import Callable

from tests.vospace_server.services.tree_space import TreeSpace
from vospace_model.jobs import ExecutionPhase
from vospace_server.domain.identity import Identity
from vospace_server.domain.job_record import JobRecord
from vospace_server.domain.token_scope import TokenScope
from vospace_server.domain.tree_request import TreeRequest
from vospace_server.services.job_execution import JobExecution
from vospace_server.services.job_ledger import JobLedger
from vospace_server.services.job_work import Worker
from vospace_server.services.jobs import JobService
from vospace_server.services.tree_jobs import TreeJobs, TreeTask, TreeWork


class TreeJobBench:
    """Does jobs of alice's, or of others that the test names."""

    def __init__(self, space: TreeSpace) -> None:
        self.space = space
        self.jobs = JobService(database=space.database, wake_runner=lambda: None)
        self.ledger = JobLedger(database=space.database)
        self.tree_jobs = TreeJobs(jobs=self.jobs, tree=space.tree)
        # What happens before the first step, the second, and so on.
        self.before_steps: list[Callable[[], object]] = []
        self.people: dict[str, Identity] = {space.alice.name: space.alice}

    def create(self, request: TreeRequest, caller: Identity | None = None) -> JobRecord:
        """A job that waits to be done."""
        who = caller or self.space.alice
        self.people[who.name] = who
        record = self.tree_jobs.create(who, request)
        self.jobs.run(who, record.job_id)
        return record

    def execute(self, record: JobRecord, work: TreeWork, worker: Worker | None = None) -> None:
        """Do a job, or go on with it."""
        JobExecution(
            ledger=self.ledger,
            identify=self._identify,
            task=TreeTask(tree=self.space.tree, ledger=self.ledger, work=work),
        ).execute(record.job_id, worker=worker)

    def outcome(self, record: JobRecord) -> tuple[ExecutionPhase, dict[str, int]]:
        """How a job stands, and its counts."""
        found = self.found(record)
        counts = {
            each.result_id: int(each.href.removeprefix("final:")) for each in found.results
        }
        return found.phase, counts

    def found(self, record: JobRecord) -> JobRecord:
        """The job as it is now."""
        found = self.jobs.find(record.job_id)
        assert found is not None
        return found

    def do(
        self, request: TreeRequest, work: TreeWork, caller: Identity | None = None
    ) -> tuple[ExecutionPhase, dict[str, int]]:
        """A whole job."""
        record = self.create(request, caller)
        self.execute(record, work)
        return self.outcome(record)

    def _identify(self, name: str, scope: TokenScope) -> Identity:
        del scope
        if self.before_steps:
            self.before_steps.pop(0)()
        return self.people[name]
