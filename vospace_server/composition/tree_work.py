"""Who does the jobs on whole trees."""

from vospace_server.composition.access import Access
from vospace_server.composition.services import Services
from vospace_server.services.job_execution import JobExecution
from vospace_server.services.job_ledger import JobLedger
from vospace_server.services.job_work import JobWork
from vospace_server.services.jobs import JobKind
from vospace_server.services.recursive_deletions import RecursiveDeletion
from vospace_server.services.tree_jobs import TreeTask, TreeWork


def build_tree_work(
    services: Services, access: Access, ledger: JobLedger
) -> dict[JobKind, JobWork]:
    """Who does the jobs on whole trees."""
    work: dict[JobKind, TreeWork] = {
        JobKind.DELETE: RecursiveDeletion(tree=services.tree),
        JobKind.SET_PROPERTIES: services.recursive_properties,
    }
    return {
        kind: JobExecution(
            ledger=ledger,
            identify=access.delegation.identify,
            task=TreeTask(tree=services.tree, ledger=ledger, work=each),
        )
        for kind, each in work.items()
    }
