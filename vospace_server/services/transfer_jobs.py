"""TransferJobs: does what the job of a transfer asks for, where no bytes have to be moved.

Negotiations and moves are quick; long_transfers.py has the others.
"""

from typing import Final

from vospace_model.faults import Fault, InvalidArgument, NodeNotFound
from vospace_model.jobs import JobResult
from vospace_model.transfers import Direction, ExternalTransfer, InternalTransfer, Transfer
from vospace_model.uris import VosUri
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.domain.identity import ANONYMOUS, Caller
from vospace_server.domain.job_record import JobRecord
from vospace_server.domain.reserved_names import is_auto, is_null
from vospace_server.domain.token_scope import TokenScope
from vospace_server.domain.transfer_request import decode_request
from vospace_server.services.internal_transfers import InternalTransferService
from vospace_server.services.job_control import JobControl
from vospace_server.services.job_execution import Identify, JobExecution
from vospace_server.services.job_ledger import JobLedger, JobOutcome
from vospace_server.services.job_work import Worker
from vospace_server.services.jobs import JobKind, JobService
from vospace_server.services.transfers import Negotiation, TransferService

DETAILS: Final = "transferDetails"
"""Id of the result that is the transfer with its endpoints."""

DESTINATION: Final = "destination"
"""Id of the result of a move or copy: the URI of the node where it is now."""

TARGET: Final = "target"
"""Id of the result that is the URI invented for `.auto` (VOSpace 2.1, 6.4.1)."""

DATA_NODE: Final = "dataNode"
"""Id of the result that is the URI of the node which the bytes go to."""


def kind_of(transfer: Transfer) -> JobKind:
    """Whether a transfer is done at once or may take long."""
    if isinstance(transfer, InternalTransfer):
        return JobKind.LONG_TRANSFER if transfer.keep_bytes else JobKind.TRANSFER
    if transfer.direction.is_client_initiated:
        return JobKind.TRANSFER
    return JobKind.LONG_TRANSFER


class TransferJobs:
    """Executes transfer jobs, for the runner and for requests that don't want to wait."""

    def __init__(
        self,
        *,
        jobs: JobService,
        ledger: JobLedger,
        transfers: TransferService,
        internal_transfers: InternalTransferService,
        identify: Identify,
    ) -> None:
        self._jobs = jobs
        self._transfers = transfers
        self._internal_transfers = internal_transfers
        self._identify = identify
        self._execution = JobExecution(ledger=ledger, identify=identify, task=self)

    def execute(self, job_id: str, *, worker: Worker | None = None) -> Fault | None:
        """Do a job that nobody else has begun; what goes wrong ends it, and is returned.

        A push stays EXECUTING until its bytes have come; everything else has ended then.
        """
        return self._execution.execute(job_id, worker=worker)

    def negotiate(
        self, record: JobRecord, *, at_most: TokenScope = TokenScope.ADMIN
    ) -> Negotiation:
        """The endpoints of a job's transfer, made anew, on behalf of the job's owner.

        `at_most` is what the credential allows that asks for them: an address for writing is
        nothing for one that may only read, whoever began the job.
        """
        caller = self._owner(record, record.scope.at_most(at_most))
        return self._negotiate(caller, record)

    def redirect(self, job_id: str) -> Negotiation:
        """Execute a job and negotiate at once. Raises the fault with which the job ended."""
        fault = self.execute(job_id)
        if fault is not None:
            raise fault
        record = self._jobs.find(job_id)
        if record is None:
            raise NodeNotFound(f"there is no job {job_id}")
        return self.negotiate(record)

    def do(self, control: JobControl) -> JobOutcome | None:
        """See JobTask."""
        record = control.record
        transfer = decode_request(record.request).transfer
        if isinstance(transfer, InternalTransfer):
            self._move(control, transfer)
            return None
        negotiation = self._negotiate(control.caller(), record)
        details = JobResult(result_id=DETAILS, href=f"results/{DETAILS}")
        if transfer.direction is Direction.PULL_FROM_VOSPACE:
            # Nobody tells us whether the client reads; its permission is all there is to do.
            return JobOutcome(results=[details])
        control.await_bytes(
            [details, *target_results(transfer, negotiation.node)], expires=negotiation.expires
        )
        return None

    def _move(self, control: JobControl, transfer: InternalTransfer) -> None:
        """Move, and end the job in the same transaction: done once, or not at all."""

        def also(unit: UnitOfWork, uri: VosUri | None) -> None:
            moved = [] if uri is None else [JobResult(result_id=DESTINATION, href=str(uri))]
            control.complete(unit, moved)

        self._internal_transfers.move(
            control.caller(), transfer, job_id=control.job_id, also=also
        )

    def _negotiate(self, caller: Caller, record: JobRecord) -> Negotiation:
        transfer = decode_request(record.request).transfer
        if not isinstance(transfer, ExternalTransfer):
            raise InvalidArgument("this job moves no bytes")
        return self._transfers.negotiate(caller, transfer, job_id=record.job_id)

    def _owner(self, record: JobRecord, scope: TokenScope) -> Caller:
        if not record.owner_name:
            return ANONYMOUS
        return self._identify(record.owner_name, scope)


def target_results(transfer: ExternalTransfer, uri: VosUri) -> list[JobResult]:
    """The results that tell which node the bytes go to; none for a sink."""
    if is_null(uri.path):
        return []
    results = [JobResult(result_id=DATA_NODE, href=str(uri))]
    if is_auto(transfer.target.path):
        results.append(JobResult(result_id=TARGET, href=str(uri)))
    return results
