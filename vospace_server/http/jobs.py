"""The resources of a job as UWS 1.1 lays them out below the list of transfers."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import anyio
from starlette.requests import Request
from starlette.responses import Response

from vospace_model.faults import Fault, InvalidArgument, NodeNotFound, PermissionDenied
from vospace_model.jobs import (
    ErrorSummary,
    ExecutionPhase,
    Job,
    JobReference,
    JobResult,
    error_body,
    error_summary,
)
from vospace_model.timestamps import format_date_time, parse_timestamp
from vospace_model.xml.jobs import write_job, write_job_list, write_parameters, write_results
from vospace_server.domain.identity import Caller, Identity
from vospace_server.domain.job_record import JobRecord
from vospace_server.domain.token_scope import ScopeLevel, TokenScope
from vospace_server.domain.transfer_request import transfer_of_request
from vospace_server.http.addresses import Addresses
from vospace_server.http.authentication import caller_of
from vospace_server.http.parameters import Parameters, form_parameters, query_parameters
from vospace_server.http.responses import document, see_other, text
from vospace_server.http.threads import in_thread
from vospace_server.services.jobs import TRANSFER_KINDS, JobKind, JobService

_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_RUN_ID: Final = re.compile(r"[\x20-\x7e]{1,64}")
# CADC's maximum; -1 and everything above mean this.
MAX_WAIT_SECONDS = 60
_FIRST_PAUSE_SECONDS = 0.02
_LONGEST_PAUSE_SECONDS = 0.5


class JobEndpoints:
    """A list of jobs of some kinds at `path`, and everything below one job.

    `unlisted` are kinds whose jobs are there too, but not on the list. Jobs of other kinds are
    below other addresses, and NodeNotFound here.
    """

    def __init__(
        self,
        *,
        jobs: JobService,
        addresses: Addresses,
        path: str,
        kinds: Sequence[JobKind] = TRANSFER_KINDS,
        unlisted: Sequence[JobKind] = (),
    ) -> None:
        self._jobs = jobs
        self._addresses = addresses
        self._path = path
        self._kinds = kinds
        self._known_kinds = frozenset({*kinds, *unlisted})

    def url_of(self, request: Request, job_id: str) -> str:
        """The URL of a job of this list."""
        return f"{self._addresses.base(request)}{self._path}/{job_id}"

    def find(self, caller: Caller, job_id: str) -> JobRecord:
        """A job of the caller's below this address. Raises as JobService.get."""
        record = self._jobs.get(caller, job_id)
        if record.kind not in self._known_kinds:
            raise NodeNotFound(f"there is no job {job_id[:64]} here")
        return record

    async def list_jobs(self, request: Request) -> Response:
        """The caller's asynchronous jobs, newest first (PHASE, AFTER and LAST, UWS 1.1)."""
        parameters = query_parameters(request)
        phases = [_phase_named(value) for value in parameters.all("PHASE")]
        records = await in_thread(
            self._jobs.list_of,
            caller_of(request),
            self._kinds,
            phases=phases,
            after=_moment_named(parameters, "AFTER"),
            limit=parameters.integer("LAST", minimum=1),
        )
        return document(write_job_list([self._reference(request, each) for each in records]))

    async def read(self, request: Request, job_id: str, resource: str) -> Response:
        """GET of a job or of one of its resources."""
        record = await in_thread(self.find, caller_of(request), job_id)
        if resource == "":
            record = await self._waited(request, record)
            return document(write_job(self._shown(request, record)))
        if resource == "results":
            return document(write_results(self._absolute_results(request, record)))
        if resource == "parameters":
            return document(write_parameters(record.parameters))
        if resource in _TEXTS:
            return text(_TEXTS[resource](record))
        raise NodeNotFound(f"a job has no resource {resource[:64]!r}")

    async def change(self, request: Request, job_id: str, resource: str) -> Response:
        """POST of what can be set, to its resource or to the job itself, or ACTION=DELETE.

        That is PHASE=RUN, PHASE=ABORT, DESTRUCTION and EXECUTIONDURATION; the last two are
        granted within our bounds.
        """
        parameters = await form_parameters(request)
        if resource == "" and (parameters.get("ACTION") or "").upper() == "DELETE":
            return await self.remove(request, job_id)
        settable = {"phase": "PHASE", **_TIMES}
        named = [n for r, n in settable.items() if resource in {"", r} and parameters.get(n)]
        if not named and resource in _TIMES:
            raise InvalidArgument(f"{_TIMES[resource]} must be given")
        if not named and resource not in {"", "phase"}:
            raise InvalidArgument(f"{resource[:64]!r} of a job can't be set here")
        for name in named:
            if name in _TIMES.values():
                await in_thread(
                    self._act, self._setting(name, parameters), caller_of(request), job_id
                )
        if "PHASE" in named or not named:
            await self.change_phase(request, job_id, parameters)
        return see_other(self.url_of(request, job_id))

    async def change_phase(self, request: Request, job_id: str, parameters: Parameters) -> None:
        """Do what the parameter PHASE asks for. Raises InvalidArgument."""
        deed = self._deed(parameters.get("PHASE") or "")
        await in_thread(self._act, deed, caller_of(request), job_id)

    def asks_for_phase(self, parameters: Parameters) -> bool:
        """Whether a job that is to be made is to get another phase at once.

        Raises InvalidArgument for one that it can't get, so that no job is left over.
        """
        wanted = parameters.get("PHASE")
        if wanted is not None:
            self._deed(wanted)
        return wanted is not None

    def _deed(self, phase: str) -> Callable[[Caller, str], object]:
        deed = {"RUN": self._jobs.run, "ABORT": self._jobs.abort}.get(phase.upper())
        if deed is None:
            raise InvalidArgument(f"PHASE is RUN or ABORT, not {phase[:40]!r}")
        return deed

    def _setting(self, name: str, parameters: Parameters) -> Callable[[Caller, str], object]:
        """What sets a time of a job to the value of that parameter."""
        if name == "EXECUTIONDURATION":
            seconds = parameters.integer(name, minimum=0) or 0
            return lambda caller, job: self._jobs.set_execution_duration(caller, job, seconds)
        moment = _moment_named(parameters, name)
        if moment is None:
            raise InvalidArgument(f"{name} must be a time")
        return lambda caller, job: self._jobs.set_destruction(caller, job, moment)

    async def remove(self, request: Request, job_id: str) -> Response:
        """DELETE of a job: 303 to the list."""
        await in_thread(self._act, self._jobs.remove, caller_of(request), job_id)
        return see_other(f"{self._addresses.base(request)}{self._path}")

    def _act(self, deed: Callable[[Caller, str], object], caller: Caller, job_id: str) -> None:
        """Do something to a job, which may do no more than the credential that asks for it."""
        made_with = self.find(caller, job_id).scope
        if isinstance(caller, Identity):
            _check_scope(caller, made_with)
        deed(caller, job_id)

    async def _waited(self, request: Request, record: JobRecord) -> JobRecord:
        """The job, after the change of phase that WAIT asks for or the end of its time."""
        parameters = query_parameters(request)
        seconds = parameters.integer("WAIT", minimum=-1)
        if seconds is None:
            return record
        named = parameters.get("PHASE")
        if named is not None and _phase_named(named) is not record.phase:
            return record
        seconds = MAX_WAIT_SECONDS if seconds == -1 else min(seconds, MAX_WAIT_SECONDS)
        await self._wait_for_change(record, time.monotonic() + seconds)
        return await in_thread(self._jobs.get, caller_of(request), record.job_id)

    async def _wait_for_change(self, record: JobRecord, deadline: float) -> None:
        # Looked at from time to time: another process may be the one that changes it.
        pause = _FIRST_PAUSE_SECONDS
        phase: ExecutionPhase | None = record.phase
        while phase is record.phase and phase.is_active and time.monotonic() < deadline:
            await anyio.sleep(min(pause, max(0.0, deadline - time.monotonic())))
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
            found = await in_thread(self._jobs.phase, record.job_id)
            phase = None if found is None else found[0]

    def _shown(self, request: Request, record: JobRecord) -> Job:
        fault = record.fault
        return Job(
            job_id=record.job_id,
            phase=record.phase,
            created=record.created,
            owner=record.owner_name or None,
            run_id=record.run_id,
            quote=record.quote(datetime.now(UTC)),
            started=record.started,
            ended=record.ended,
            execution_duration_seconds=record.execution_seconds,
            destruction=record.destruction,
            parameters=record.parameters,
            results=self._absolute_results(request, record),
            error=None if fault is None else _summary(fault),
            transfer=transfer_of_request(record.request),
            progress=record.progress,
        )

    def _absolute_results(self, request: Request, record: JobRecord) -> tuple[JobResult, ...]:
        """The results; those that lie below the job are kept without the job's own address."""
        job_url = self.url_of(request, record.job_id)
        return tuple(
            JobResult(
                result_id=result.result_id,
                href=result.href if ":" in result.href else f"{job_url}/{result.href}",
                size=result.size,
                media_type=result.media_type,
            )
            for result in record.results
        )

    def _reference(self, request: Request, record: JobRecord) -> JobReference:
        return JobReference(
            job_id=record.job_id,
            href=self.url_of(request, record.job_id),
            phase=record.phase,
            created=record.created,
            owner=record.owner_name or None,
            run_id=record.run_id,
        )


def _check_scope(caller: Identity, made_with: TokenScope) -> None:
    if caller.scope.covers(made_with, up_to=ScopeLevel.WRITE):
        return
    if not caller.may_write:
        raise PermissionDenied("this job is not for a credential that may only read")
    raise PermissionDenied(f"this job writes elsewhere, and {caller.limits}")


def _summary(fault: Fault) -> ErrorSummary:
    """The standard's phrase; of an impossible argument only the sentence says anything.

    CADC's suite looks for the sentence of a container that was moved into itself there.
    """
    summary = error_summary(fault)
    if isinstance(fault, InvalidArgument) and fault.detail:
        return replace(summary, message=fault.detail)
    return summary


def _error_text(record: JobRecord) -> str:
    fault = record.fault
    return "" if fault is None else error_body(fault)


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else format_date_time(moment)


def _phase_named(text_: str) -> ExecutionPhase:
    try:
        return ExecutionPhase(text_.upper())
    except ValueError:
        raise InvalidArgument(f"{text_[:40]!r} is not a phase of a job") from None


def _moment_named(parameters: Parameters, name: str) -> datetime | None:
    """A time; a day alone means its beginning, as everywhere in the protocols of the IVOA."""
    value = parameters.get(name)
    if value is None:
        return None
    return parse_timestamp(f"{value}T00:00:00" if _DAY.fullmatch(value) else value)


def run_id_of(parameters: Parameters) -> str | None:
    """The parameter RUNID: what the client calls a job. Raises InvalidArgument."""
    value = parameters.get("RUNID")
    if value is not None and _RUN_ID.fullmatch(value) is None:
        raise InvalidArgument("RUNID has 1 to 64 printable characters")
    return value


# What can be set at a resource of its own, and the name of its parameter.
_TIMES: Final = {"destruction": "DESTRUCTION", "executionduration": "EXECUTIONDURATION"}

# Resources that are bare text, compared byte for byte by clients: never a line end.
_TEXTS: Final[Mapping[str, Callable[[JobRecord], str]]] = {
    "phase": lambda record: record.phase.value,
    "error": _error_text,
    "executionduration": lambda record: str(record.execution_seconds),
    "destruction": lambda record: _moment(record.destruction),
    "quote": lambda record: _moment(record.quote(datetime.now(UTC))),
    "owner": lambda record: record.owner_name,
}
