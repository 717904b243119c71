"""UnpackJobs: the jobs of pushes whose bytes are an archive, from the first byte to the end.

Such a job is EXECUTING from the negotiation on, as that of any push. Its address is good for
one archive at a time, until one has been unpacked or has been begun to be: after an archive
that was refused before anything was made, another one may be sent.
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from vospace_model.faults import PermissionDenied
from vospace_model.jobs import ExecutionPhase, JobResult
from vospace_model.transfers import ExternalTransfer
from vospace_model.uris import NodePath
from vospace_server.database.engine import Database
from vospace_server.domain.identity import Caller
from vospace_server.domain.token_scope import TokenScope
from vospace_server.domain.transfer_request import decode_request
from vospace_server.services.archive_views import ACCEPTED_ARCHIVES
from vospace_server.services.job_execution import Identify
from vospace_server.services.job_ledger import JobLedger, JobOutcome
from vospace_server.services.tickets import WriteTicket
from vospace_server.services.tree_jobs import FAILURES, SUCCESSES
from vospace_server.services.unpacking import Unpacked, UnpackingStoppedError

# A step between two beats, such as skipping one huge file, takes less than this.
_PATIENCE: Final = timedelta(minutes=10)
_BEAT_SECONDS: Final = 15.0


@dataclass(slots=True, kw_only=True)
class UnpackSession:
    """One archive on its way into a container."""

    caller: Caller
    path: NodePath
    view_uri: str
    job_id: str
    worker: str
    expires: int
    say_alive: Callable[[], None]
    _last_beat: float = field(default_factory=time.monotonic)

    def beat(self) -> None:
        """The work goes on; said to the database now and then."""
        now = time.monotonic()
        if now - self._last_beat > _BEAT_SECONDS:
            self._last_beat = now
            self.say_alive()


class UnpackJobs:
    """Begins and ends them."""

    def __init__(self, *, database: Database, ledger: JobLedger, identify: Identify) -> None:
        self._database = database
        self._ledger = ledger
        self._identify = identify

    def begin(self, ticket: WriteTicket) -> UnpackSession:
        """Let an archive come. Raises PermissionDenied for an address that is used up."""
        worker = f"unpacking-{secrets.token_hex(8)}"
        caller = self._identify(ticket.user, TokenScope.decode(ticket.scope))
        view_uri = self._claim(ticket.job_id, worker)

        def say_alive() -> None:
            until = self._ledger.clock() + _PATIENCE
            values = {"worker_until": until}
            self._ledger.save(ticket.job_id, worker=worker, values=values)

        return UnpackSession(
            caller=caller,
            path=NodePath.parse(ticket.path),
            view_uri=view_uri,
            job_id=ticket.job_id,
            worker=worker,
            expires=ticket.expires,
            say_alive=say_alive,
        )

    def complete(self, session: UnpackSession, done: Unpacked) -> None:
        """All of it is there."""
        outcome = JobOutcome(results=[_count(SUCCESSES, done.nodes)])
        self._ledger.end(session.job_id, outcome, worker=session.worker)

    def stop(self, session: UnpackSession, stopped: UnpackingStoppedError) -> None:
        """Something went wrong on the way: what is there stays, and is said."""
        outcome = JobOutcome(
            phase=ExecutionPhase.ERROR,
            results=[_count(SUCCESSES, stopped.done.nodes), _count(FAILURES, 1)],
            fault=stopped.fault,
        )
        self._ledger.end(session.job_id, outcome, worker=session.worker)

    def release(self, session: UnpackSession) -> None:
        """Nothing was made; the address may be used again. Harmless after an end."""
        until = datetime.fromtimestamp(session.expires, UTC)
        self._ledger.await_bytes(session.job_id, worker=session.worker, until=until)

    def _claim(self, job_id: str, worker: str) -> str:
        with self._database.write() as unit:
            record = unit.jobs.get(job_id)
            if record is None or record.phase is not ExecutionPhase.EXECUTING:
                raise PermissionDenied("this address for bytes has been used or withdrawn")
            transfer = decode_request(record.request).transfer
            view = transfer.view if isinstance(transfer, ExternalTransfer) else None
            if view is None or view.uri not in ACCEPTED_ARCHIVES:
                raise PermissionDenied("this address for bytes is not for an archive")
            until = self._ledger.clock() + _PATIENCE
            if record.worker is not None or not unit.jobs.change(
                record, worker=worker, worker_until=until
            ):
                raise PermissionDenied("another archive is just being sent to this address")
        return view.uri


def _count(result_id: str, number: int) -> JobResult:
    return JobResult(result_id=result_id, href=f"final:{number}")
