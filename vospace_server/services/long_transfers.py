"""LongTransferJobs: transfers that take their time; each is a job, and none a request."""

import time
from typing import Final

from vospace_model.faults import Fault, ServiceBusy
from vospace_model.jobs import JobResult
from vospace_model.transfers import Direction, InternalTransfer
from vospace_model.uris import NodePath
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.domain.copy_place import CopyPlace
from vospace_server.domain.reserved_names import invented, is_null
from vospace_server.domain.transfer_request import decode_request
from vospace_server.services.copies import CopyService
from vospace_server.services.job_control import JobControl, JobOverError
from vospace_server.services.job_ledger import JobOutcome
from vospace_server.services.remote_transfers import RemoteTransfers
from vospace_server.services.transfer_jobs import DESTINATION
from vospace_server.services.tree import Tree

# Changes of groups count everywhere within a minute.
_CALLER_SECONDS: Final = 30.0


class LongTransferJobs:
    """A JobTask: copies, and transfers whose bytes we move ourselves."""

    def __init__(self, *, tree: Tree, copies: CopyService, remote: RemoteTransfers) -> None:
        self._tree = tree
        self._copies = copies
        self._remote = remote

    def do(self, control: JobControl) -> JobOutcome | None:
        """See JobTask."""
        transfer = decode_request(control.record.request).transfer
        if isinstance(transfer, InternalTransfer):
            return self._copy(control, transfer)
        if transfer.direction is Direction.PUSH_FROM_VOSPACE:
            return self._remote.push(control, transfer)
        self._remote.pull(control, transfer)
        return None

    def _copy(self, control: JobControl, transfer: InternalTransfer) -> JobOutcome | None:
        source = self._tree.own_path(transfer.source)
        destination = invented(self._tree.own_path(transfer.destination), control.job_id)
        if is_null(destination):
            self._copies.check_source(control.caller(), source)
            return JobOutcome()
        copy = _Copy(control=control, copies=self._copies, tree=self._tree)
        copy.run(source, destination)
        return None


class _Copy:
    """One job of copying: a CopyKeeper."""

    def __init__(self, *, control: JobControl, copies: CopyService, tree: Tree) -> None:
        self._control = control
        self._copies = copies
        self._tree = tree

    def run(self, source: NodePath, destination: NodePath) -> None:
        """Copy, from wherever the job was interrupted; what is given up leaves nothing."""
        saved = self._control.place
        place = None if saved is None else CopyPlace.from_json(saved)
        try:
            if place is None:
                place = self._copies.begin(
                    self._control.caller(),
                    source,
                    destination,
                    job_id=self._control.job_id,
                    keeper=self,
                )
            place = self._fill(place)
            self._control.check()
            self._copies.finish(
                self._control.caller(), source, destination, place, also=self._complete
            )
        except ServiceBusy:
            # The job will be gone on with.
            raise
        except (Fault, JobOverError):
            if place is not None:
                self._copies.abandon(place, keeper=self)
            raise

    def _fill(self, place: CopyPlace) -> CopyPlace:
        """Take steps until there is nothing more to copy.

        What the caller may do is looked up anew every some steps.
        """
        caller, until = self._control.caller(), 0.0
        while place.frames:
            self._control.check()
            if time.monotonic() > until:
                caller = self._copies.informed(self._control.caller(), place)
                until = time.monotonic() + _CALLER_SECONDS
            place = self._copies.step(caller, place, keeper=self)
        return place

    def hold(self, unit: UnitOfWork) -> None:
        """See CopyKeeper."""
        self._control.hold(unit)

    def may_clean_up(self, unit: UnitOfWork) -> bool:
        """See CopyKeeper."""
        return self._control.may_clean_up(unit)

    def save(self, unit: UnitOfWork, place: CopyPlace) -> None:
        """See CopyKeeper."""
        self._control.save(unit, place=place.to_json(), progress=place.progress)

    def _complete(self, unit: UnitOfWork, path: NodePath) -> None:
        href = str(self._tree.uri(path))
        self._control.complete(unit, [JobResult(result_id=DESTINATION, href=href)])
