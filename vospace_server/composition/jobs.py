"""What is done later, and by whom."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass

from vospace_server.composition.access import Access
from vospace_server.composition.services import Services
from vospace_server.composition.tree_work import build_tree_work
from vospace_server.config import ServerConfig
from vospace_server.database.engine import Database
from vospace_server.remote.fetcher import Limits, RemoteFetcher
from vospace_server.remote.guard import Guard
from vospace_server.services.archive_transfers import ArchiveTransfers
from vospace_server.services.internal_transfers import InternalTransferService
from vospace_server.services.job_execution import JobExecution
from vospace_server.services.job_ledger import JobLedger
from vospace_server.services.job_work import JobWork
from vospace_server.services.jobs import JobKind, JobService
from vospace_server.services.long_transfers import LongTransferJobs
from vospace_server.services.remote_transfers import RemoteTransfers
from vospace_server.services.transfer_jobs import TransferJobs
from vospace_server.services.transfers import TransferService
from vospace_server.workers.job_runner import JobRunner


@dataclass(frozen=True, slots=True, kw_only=True)
class Jobs:
    """What is done later."""

    jobs: JobService
    ledger: JobLedger
    transfer_jobs: TransferJobs
    long_transfers: JobWork
    tree_work: Mapping[JobKind, JobWork]
    runner: JobRunner

    @property
    def work(self) -> dict[JobKind, JobWork]:
        """Who does the jobs of each kind."""
        return {
            JobKind.TRANSFER: self.transfer_jobs,
            JobKind.SYNC_TRANSFER: self.transfer_jobs,
            JobKind.LONG_TRANSFER: self.long_transfers,
            **self.tree_work,
        }


def build_jobs(
    config: ServerConfig, services: Services, access: Access, database: Database
) -> Jobs:
    """The jobs of the service and who does them; the runner is started with the lifespan."""
    runner = JobRunner(check=functools.partial(access.states.check, writing=True))
    jobs = JobService(database=database, wake_runner=runner.wake)
    ledger = JobLedger(database=database)
    transfers = TransferService(
        tree=services.tree,
        reading=services.reading,
        data=services.data,
        tickets=services.tickets,
        archives=ArchiveTransfers(tree=services.tree, unpacking=services.unpacking),
    )
    transfer_jobs = TransferJobs(
        jobs=jobs,
        ledger=ledger,
        transfers=transfers,
        internal_transfers=InternalTransferService(tree=services.tree, moves=services.moves),
        identify=access.delegation.identify,
    )
    long_transfers = LongTransferJobs(
        tree=services.tree, copies=services.copies, remote=_build_remote(config, services)
    )
    return Jobs(
        jobs=jobs,
        ledger=ledger,
        transfer_jobs=transfer_jobs,
        long_transfers=JobExecution(
            ledger=ledger, identify=access.delegation.identify, task=long_transfers
        ),
        tree_work=build_tree_work(services, access, ledger),
        runner=runner,
    )


def _build_remote(config: ServerConfig, services: Services) -> RemoteTransfers:
    """What speaks to other hosts, within the bounds of the configuration."""
    settings = config.remote
    return RemoteTransfers(
        tree=services.tree,
        data=services.data,
        reading=services.reading,
        fetcher=RemoteFetcher(
            guard=Guard.of_settings(
                settings.allowed_networks, settings.allowed_hosts, settings.ports
            ),
            limits=Limits(
                connect_seconds=settings.connect_seconds,
                idle_seconds=settings.idle_seconds,
                total_seconds=settings.total_seconds,
                max_bytes=settings.max_bytes,
            ),
        ),
    )
