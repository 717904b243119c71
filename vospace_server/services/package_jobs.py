"""PackageJobs: jobs whose result is an archive that is made while it is fetched (contract 1.7).

Such a job is SUSPENDED until its archive is fetched, and EXECUTING meanwhile. It can be fetched
again, as a client whose connection broke will; the job stays as it ended the first time.
"""

from datetime import timedelta
from typing import Final

from vospace_model.faults import (
    Fault,
    InvalidArgument,
    NodeNotFound,
    PermissionDenied,
    TransferFailed,
)
from vospace_model.jobs import ExecutionPhase
from vospace_model.transfers import Direction, ExternalTransfer, Transfer
from vospace_server.domain.identity import ANONYMOUS, Caller, Identity
from vospace_server.domain.job_record import JobRecord
from vospace_server.domain.token_scope import TokenScope
from vospace_server.domain.transfer_request import (
    TransferRequest,
    decode_request,
    encode_request,
)
from vospace_server.services.archive_views import is_archive, provided_format
from vospace_server.services.job_execution import Identify
from vospace_server.services.job_ledger import JobLedger, JobOutcome, failed
from vospace_server.services.job_work import worker_in_request
from vospace_server.services.jobs import JobKind, JobService, NewJob
from vospace_server.services.packages import Package, PackageService
from vospace_server.services.tickets import PackageTicket
from vospace_server.services.tree import Tree

# So long a content outlives its node, so no stream can last longer.
_LONGEST_STREAM: Final = timedelta(hours=24)


class PackageJobs:
    """Makes such jobs and opens their archives."""

    def __init__(
        self,
        *,
        jobs: JobService,
        ledger: JobLedger,
        packages: PackageService,
        tree: Tree,
        identify: Identify,
    ) -> None:
        self._jobs = jobs
        self._ledger = ledger
        self._packages = packages
        self._tree = tree
        self._identify = identify

    def create(self, caller: Caller, transfer: Transfer) -> JobRecord:
        """A job for a package, SUSPENDED.

        Raises InvalidArgument for a transfer that is no package, InvalidURI for targets of
        other services.
        """
        wanted = _package_of(transfer)
        for target in wanted.targets:
            self._tree.own_path(target)
        scope = caller.scope if isinstance(caller, Identity) else TokenScope.READ
        request = TransferRequest(transfer=wanted, scope=scope)
        new = NewJob(
            kind=JobKind.PACKAGE,
            request=encode_request(request),
            phase=ExecutionPhase.SUSPENDED,
        )
        return self._jobs.create(caller, new)

    def open(self, caller: Caller, job_id: str) -> Package:
        """The archive of a job of the caller's, with what its owner may read now.

        At most what the caller's credential allows, whatever the job was made with.

        Raises the faults of JobService.get, PermissionDenied for a job that was aborted,
        NodeNotFound for one that has no archive.
        """
        record = self._jobs.get(caller, job_id)
        at_most = caller.scope if isinstance(caller, Identity) else TokenScope.READ
        return self._archive(record, at_most)

    def open_with_ticket(self, ticket: PackageTicket) -> Package:
        """The archive of a ticket's job, with what the job's owner may read now.

        Raises PermissionDenied for a job that was aborted or forgotten, or whose owner's
        account is gone or disabled.
        """
        record = self._jobs.find(ticket.job_id)
        if record is None:
            raise PermissionDenied("the job of this address for bytes is gone")
        return self._archive(record, TokenScope.decode(ticket.scope))

    def _archive(self, record: JobRecord, at_most: TokenScope) -> Package:
        if record.phase is ExecutionPhase.ABORTED:
            raise PermissionDenied("this job was aborted")
        if record.kind in {JobKind.DELETE, JobKind.SET_PROPERTIES}:
            raise NodeNotFound("this job has no archive")
        request = decode_request(record.request)
        transfer = request.transfer
        if not isinstance(transfer, ExternalTransfer) or not is_archive(transfer.view):
            raise NodeNotFound("this job has no archive")
        assert transfer.view is not None, "is_archive says so"
        owner: Caller = ANONYMOUS
        if record.owner_name:
            owner = self._identify(record.owner_name, request.scope.at_most(at_most))
        paths = [self._tree.own_path(target) for target in transfer.targets]
        return self._packages.open(owner, paths, provided_format(transfer.view))

    def begin(self, job_id: str) -> str | None:
        """The archive begins to flow: the worker to name at its end; None if not first."""
        worker = worker_in_request().name
        if self._ledger.begin(job_id, worker=worker) is None:
            return None
        until = self._ledger.clock() + _LONGEST_STREAM
        self._ledger.save(job_id, worker=worker, values={"worker_until": until})
        return worker

    def end(self, job_id: str, worker: str, *, complete: bool) -> None:
        """The archive has flowed to its end, or not."""
        broken = TransferFailed("the archive was not fetched to its end")
        outcome = JobOutcome() if complete else failed(broken)
        self._ledger.end(job_id, outcome, worker=worker)


def _package_of(transfer: Transfer) -> ExternalTransfer:
    if (
        not isinstance(transfer, ExternalTransfer)
        or transfer.direction is not Direction.PULL_FROM_VOSPACE
        or not is_archive(transfer.view)
    ):
        raise InvalidArgument(
            "a package is a transfer of direction pullFromVoSpace with the view of packages"
        )
    assert transfer.view is not None, "is_archive says so"
    try:
        provided_format(transfer.view)
    except Fault as fault:
        raise InvalidArgument(fault.detail) from fault
    return transfer
