"""/transfers and /synctrans: negotiation, now or as a job (VOSpace 2.1, section 6.4)."""

from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response

from vospace_model.faults import Fault, InvalidArgument, InvalidURI, NodeNotFound
from vospace_model.jobs import ExecutionPhase, JobParameter
from vospace_model.protocols import (
    NegotiatedProtocol,
    ProtocolUri,
    RequestedProtocol,
    SecurityMethod,
    SecurityMethodUri,
)
from vospace_model.transfers import Direction, ExternalTransfer, InternalTransfer, Transfer
from vospace_model.uris import NodePath, VosUri
from vospace_model.views import View
from vospace_model.xml.parser import MAX_DOCUMENT_BYTES
from vospace_model.xml.transfers import read_transfer, write_transfer
from vospace_server.domain.cutout import PARAMETERS as PART_NAMES
from vospace_server.domain.identity import Caller, Identity
from vospace_server.domain.job_record import JobRecord
from vospace_server.domain.token_scope import TokenScope
from vospace_server.domain.transfer_request import (
    TransferRequest,
    decode_request,
    encode_request,
)
from vospace_server.http.addresses import Addresses
from vospace_server.http.authentication import caller_of
from vospace_server.http.cutouts import with_part
from vospace_server.http.jobs import JobEndpoints, run_id_of
from vospace_server.http.packages import RUN
from vospace_server.http.parameters import (
    Parameters,
    form_parameters,
    is_form,
    query_parameters,
)
from vospace_server.http.request_bodies import read_document
from vospace_server.http.responses import document, see_other
from vospace_server.http.routing import rest_of_path
from vospace_server.http.service_gate import refuse_writing
from vospace_server.http.threads import in_thread
from vospace_server.services.jobs import JobKind, JobService, NewJob
from vospace_server.services.part_views import PART_VIEWS, part_param
from vospace_server.services.transfer_jobs import DETAILS, TransferJobs, kind_of
from vospace_server.services.transfers import Door, Negotiation

_DETAILS_PATH = ("results", DETAILS)
# What is said of a job, not to it.
_NOT_OF_THE_TASK = frozenset({"PHASE", "RUNID"})


class TransferEndpoints:
    """The two doors of negotiation, and the jobs behind them."""

    def __init__(
        self,
        *,
        jobs: JobService,
        transfer_jobs: TransferJobs,
        job_endpoints: JobEndpoints,
        addresses: Addresses,
    ) -> None:
        self._jobs = jobs
        self._transfer_jobs = transfer_jobs
        self._job_endpoints = job_endpoints
        self._addresses = addresses

    # ------------------------------------------------------------------ /transfers

    async def get(self, request: Request) -> Response:
        """The list of jobs, a job, one of its resources, or a transfer's details."""
        names = NodePath.from_raw(rest_of_path(request)).names
        if not names:
            return await self._job_endpoints.list_jobs(request)
        if names[1:] == _DETAILS_PATH:
            return await self._details(request, names[0])
        return await self._job_endpoints.read(request, names[0], _resource(names))

    async def post(self, request: Request) -> Response:
        """A new job from a transfer document or the parameters of one, or a change of a job.

        PHASE=RUN in the query or in the form starts a new job at once.
        """
        names = NodePath.from_raw(rest_of_path(request)).names
        if names:
            return await self._job_endpoints.change(request, names[0], _resource(names))
        parameters = await form_parameters(request)
        starts = self._job_endpoints.asks_for_phase(parameters)
        if is_form(request):
            transfer: Transfer = _read_parameters(parameters)
            record = await self._create(request, kind_of(transfer), transfer, parameters)
        else:
            transfer = read_transfer(await read_document(request, MAX_DOCUMENT_BYTES))
            record = await self._create(request, kind_of(transfer), transfer)
        if starts:
            await self._job_endpoints.change_phase(request, record.job_id, parameters)
        return see_other(self._addresses.job(request, record.job_id))

    async def delete(self, request: Request) -> Response:
        """Forget a job."""
        names = NodePath.from_raw(rest_of_path(request)).names
        if len(names) != 1:
            raise InvalidArgument("only a job can be deleted here")
        return await self._job_endpoints.remove(request, names[0])

    # ------------------------------------------------------------------ /synctrans

    async def post_sync(self, request: Request) -> Response:
        """A transfer document, or the parameters of one, done at once."""
        if is_form(request) or query_parameters(request).get("TARGET") is not None:
            return await self._from_parameters(request, await form_parameters(request))
        transfer = read_transfer(await read_document(request, MAX_DOCUMENT_BYTES))
        return await self._negotiate(request, transfer)

    async def get_sync(self, request: Request) -> Response:
        """The parameters of a transfer, done at once."""
        return await self._from_parameters(request, query_parameters(request))

    async def _from_parameters(self, request: Request, parameters: Parameters) -> Response:
        transfer = _read_parameters(parameters)
        wanted = parameters.get("REQUEST")
        if wanted is None:
            # Without a redirect (VOSpace 2.1, 6.4.1): the details are the answer.
            record = await self._create(request, JobKind.SYNC_TRANSFER, transfer, parameters)
            await in_thread(self._transfer_jobs.execute, record.job_id)
            return await self._details(request, record.job_id)
        if wanted.lower() != "redirect":
            raise InvalidArgument(f"REQUEST is 'redirect', not {wanted[:40]!r}")
        record = await self._create(request, JobKind.SYNC_TRANSFER, transfer, parameters)
        negotiation = await in_thread(self._transfer_jobs.redirect, record.job_id)
        asked = negotiation.protocols[0]
        return see_other(self._endpoint(request, record.job_id, negotiation, asked))

    async def _negotiate(self, request: Request, transfer: Transfer) -> Response:
        record = await self._create(request, JobKind.SYNC_TRANSFER, transfer)
        await in_thread(self._transfer_jobs.execute, record.job_id)
        job_url = self._addresses.job(request, record.job_id)
        return see_other("/".join((job_url, *_DETAILS_PATH)))

    async def _details(self, request: Request, job_id: str) -> Response:
        """The transfer with its endpoints; without any when the job has failed."""
        caller = caller_of(request)
        record = await in_thread(self._job_endpoints.find, caller, job_id)
        transfer = decode_request(record.request).transfer
        if record.started is None:
            raise NodeNotFound("this job has no transfer details yet; start it")
        if not isinstance(transfer, ExternalTransfer):
            # A move or copy has nothing to negotiate; how it ended says the job.
            return document(write_transfer(transfer))
        if not transfer.direction.is_client_initiated and record.fault is None:
            # We are the client: the endpoints are those of the request.
            return document(write_transfer(transfer))
        protocols: tuple[NegotiatedProtocol, ...] = ()
        if record.phase in {ExecutionPhase.EXECUTING, ExecutionPhase.COMPLETED}:
            protocols = await self._endpoints(request, record)
        return document(write_transfer(replace(transfer, protocols=protocols)))

    async def _endpoints(
        self, request: Request, record: JobRecord
    ) -> tuple[NegotiatedProtocol, ...]:
        try:
            negotiation = await in_thread(
                self._transfer_jobs.negotiate, record, at_most=_scope_of(caller_of(request))
            )
        except Fault:
            # Something changed since the job began: no endpoint is how a details document
            # says so, and the next use of the space will tell the reason.
            return ()
        # A share is to be passed on, so it is the address that never expires.
        path = negotiation.node.path
        shared = with_part(self._addresses.files_of(request, path), negotiation.part)
        return tuple(
            _shared(shared)
            if each.uri == ProtocolUri.PUBLIC_SHARE
            else NegotiatedProtocol(
                uri=each.uri,
                endpoint=self._endpoint(request, record.job_id, negotiation, each),
                security_methods=each.security_methods,
            )
            for each in negotiation.protocols
        )

    async def _create(
        self,
        request: Request,
        kind: JobKind,
        transfer: Transfer,
        parameters: Parameters | None = None,
    ) -> JobRecord:
        pairs = () if parameters is None else parameters.pairs
        caller = caller_of(request)
        if isinstance(transfer, InternalTransfer) or transfer.direction.writes:
            # Else a client would be given an address that it can't write to.
            refuse_writing(request)
        stated = query_parameters(request) if parameters is None else parameters
        asked = TransferRequest(transfer=transfer, scope=_scope_of(caller))
        new = NewJob(
            kind=kind,
            request=encode_request(asked),
            parameters=tuple(
                JobParameter(parameter_id=k, value=v)
                for k, v in pairs
                if k.upper() not in _NOT_OF_THE_TASK
            ),
            run_id=run_id_of(stated),
        )
        return await in_thread(self._jobs.create, caller, new)

    def _endpoint(
        self, request: Request, job_id: str, negotiation: Negotiation, asked: RequestedProtocol
    ) -> str:
        base = self._addresses.base(request)
        if negotiation.door is Door.PACKAGE and not _is_anonymous(asked):
            return f"{base}{self._addresses.packages}/{job_id}/{RUN}"
        name = NodePath((negotiation.name,)).quoted()
        door = self._addresses.data
        if negotiation.door is Door.UNPACK:
            door = self._addresses.unpack
        return with_part(f"{base}{door}/{negotiation.ticket}{name}", negotiation.part)


def _shared(endpoint: str) -> NegotiatedProtocol:
    """The public share: for everybody, so never with a security method (VOSpace 2.1, 3.5.4)."""
    return NegotiatedProtocol(uri=ProtocolUri.PUBLIC_SHARE, endpoint=endpoint)


def _is_anonymous(protocol: RequestedProtocol) -> bool:
    """Whether the client means to show no credentials where the bytes are."""
    methods = {method.uri for method in protocol.security_methods}
    return not methods or bool(methods & {None, SecurityMethodUri.ANONYMOUS})


def _scope_of(caller: Caller) -> TokenScope:
    return caller.scope if isinstance(caller, Identity) else TokenScope.READ


def _resource(names: tuple[str, ...]) -> str:
    return "/".join(names[1:])


def _read_parameters(parameters: Parameters) -> ExternalTransfer:
    """The transfer that TARGET, DIRECTION, PROTOCOL, VIEW and SECURITYMETHOD spell.

    Raises InvalidArgument for anything missing or impossible.
    """
    target, protocol = parameters.get("TARGET"), parameters.get("PROTOCOL")
    if target is None or protocol is None:
        raise InvalidArgument("TARGET, DIRECTION and PROTOCOL must be given")
    try:
        uri = VosUri.parse(target)
    except InvalidURI as error:
        raise InvalidArgument(error.detail) from error
    methods = parameters.all("SECURITYMETHOD")
    return ExternalTransfer(
        targets=(uri,),
        direction=_direction(parameters.get("DIRECTION")),
        view=_view(parameters),
        protocols=(
            RequestedProtocol(
                uri=protocol, security_methods=tuple(SecurityMethod(uri=m) for m in methods)
            ),
        ),
    )


def _view(parameters: Parameters) -> View | None:
    """VIEW, with the parameters of a part where it is one.

    Raises InvalidArgument for these beside any other view, which would give the whole.
    """
    uri = parameters.get("VIEW")
    params = tuple(part_param(k, v) for k, v in parameters.pairs if k.upper() in PART_NAMES)
    if params and uri not in PART_VIEWS:
        raise InvalidArgument(
            f"{params[0].uri} needs one of the views {', '.join(sorted(PART_VIEWS))}"
        )
    return None if uri is None else View(uri=uri, params=params)


def _direction(word: str | None) -> Direction:
    for direction in Direction:
        if direction.value == word and direction.is_client_initiated:
            return direction
    raise InvalidArgument(f"DIRECTION is pushToVoSpace or pullFromVoSpace, not {word!r}")
