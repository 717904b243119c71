"""TransferJobs: does what the job of a transfer asks for, and ends the job accordingly."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from vospace_model.faults import Fault, InternalFault, InvalidArgument, NodeNotFound
from vospace_model.jobs import JobResult
from vospace_model.transfers import Direction, ExternalTransfer, InternalTransfer
from vospace_server.domain.identity import Caller, Identity, TokenScope
from vospace_server.domain.job_record import JobRecord
from vospace_server.domain.transfer_request import TransferRequest, decode_request
from vospace_server.services.internal_transfers import InternalTransferService
from vospace_server.services.jobs import JobService
from vospace_server.services.transfers import Negotiation, TransferService

DETAILS: Final = "transferDetails"
"""Id of the result that is the transfer with its endpoints."""

DESTINATION: Final = "destination"
"""Id of the result of a move: the URI of the node where it is now."""

Identify = Callable[[str, TokenScope], Identity]
"""The account of this name as it is now, limited to a scope. Raises PermissionDenied when it
was disabled or is gone."""


class TransferJobs:
    """Executes transfer jobs, for the runner and for requests that don't want to wait."""

    def __init__(
        self,
        *,
        jobs: JobService,
        transfers: TransferService,
        internal_transfers: InternalTransferService,
        identify: Identify,
        anonymous: Caller,
    ) -> None:
        self._jobs = jobs
        self._transfers = transfers
        self._internal_transfers = internal_transfers
        self._identify = identify
        self._anonymous = anonymous

    def execute(self, job_id: str, *, worker: str | None = None) -> Fault | None:
        """Do a job that nobody else has begun; what goes wrong ends it, and is returned.

        A push stays EXECUTING until its bytes have come; everything else has ended then.
        """
        record = self._jobs.begin(job_id, worker=worker)
        if record is None:
            return None
        request = decode_request(record.request)
        try:
            self._do(record, request)
        except Fault as fault:
            self._jobs.fail(job_id, fault)
            return fault
        except Exception:
            self._jobs.fail(job_id, InternalFault("unexpected failure; the log has the cause"))
            raise
        return None

    def negotiate(
        self, record: JobRecord, *, at_most: TokenScope = TokenScope.ADMIN
    ) -> Negotiation:
        """The endpoints of a job's transfer, made anew, on behalf of the job's owner.

        `at_most` is what the credential allows that asks for them: an address for writing is
        nothing for one that may only read, whoever began the job.
        """
        request = decode_request(record.request)
        request = replace(request, scope=min(request.scope, at_most))
        if not isinstance(request.transfer, ExternalTransfer):
            raise InvalidArgument("this job moves no bytes")
        caller = self._owner(record, request)
        return self._transfers.negotiate(caller, request.transfer, job_id=record.job_id)

    def redirect(self, job_id: str) -> Negotiation:
        """Execute a job and negotiate at once. Raises the fault with which the job ended."""
        fault = self.execute(job_id)
        if fault is not None:
            raise fault
        record = self._jobs.find(job_id)
        if record is None:
            raise NodeNotFound(f"there is no job {job_id}")
        return self.negotiate(record)

    def _do(self, record: JobRecord, request: TransferRequest) -> None:
        transfer = request.transfer
        if isinstance(transfer, InternalTransfer):
            uri = self._internal_transfers.move(self._owner(record, request), transfer)
            moved = JobResult(result_id=DESTINATION, href=str(uri))
            self._jobs.complete(record.job_id, [moved])
            return
        negotiation = self.negotiate(record)
        details = JobResult(result_id=DETAILS, href=f"results/{DETAILS}")
        if transfer.direction is Direction.PULL_FROM_VOSPACE:
            # Nobody tells us whether the client reads; its permission is all there is to do.
            self._jobs.complete(record.job_id, [details])
        else:
            self._jobs.add_results(record.job_id, [details])
            until = datetime.fromtimestamp(negotiation.expires, UTC)
            self._jobs.await_bytes(record.job_id, until=until)

    def _owner(self, record: JobRecord, request: TransferRequest) -> Caller:
        if not record.owner_name:
            return self._anonymous
        return self._identify(record.owner_name, request.scope)
