"""The byte endpoints that negotiation hands out: whoever has the address may use it."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from vospace_model.faults import NodeNotFound, PermissionDenied
from vospace_model.uris import NodePath
from vospace_server.http.cutouts import asked_part, send_part
from vospace_server.http.downloads import describe_content, send_content
from vospace_server.http.package_sending import describe_package, send_of_job
from vospace_server.http.put_transactions import ID_HEADER, has_transaction
from vospace_server.http.routing import rest_of_path
from vospace_server.http.threads import in_thread
from vospace_server.http.uploads import UploadReceiver
from vospace_server.services.cutouts import CutoutService
from vospace_server.services.package_jobs import PackageJobs
from vospace_server.services.reading import ReadingService
from vospace_server.services.tickets import (
    PackageTicket,
    ReadTicket,
    Ticket,
    TicketService,
    WriteTicket,
)

# What bytes are called when the address does not say.
_NAMELESS: Final = "data"


class DataEndpoints:
    """`/data/TICKET/NAME`. Other credentials that come along are not looked at."""

    def __init__(
        self,
        *,
        reading: ReadingService,
        cutouts: CutoutService,
        tickets: TicketService,
        receiver: UploadReceiver,
        package_jobs: PackageJobs,
    ) -> None:
        self._reading = reading
        self._cutouts = cutouts
        self._tickets = tickets
        self._receiver = receiver
        self._package_jobs = package_jobs

    async def get(self, request: Request) -> Response:
        """The bytes, a range of them, a part of the FITS file that they are, or an archive."""
        ticket, name = await self._opened(request)
        if isinstance(ticket, WriteTicket):
            raise PermissionDenied("this address is for writing")
        if isinstance(ticket, PackageTicket):
            package = await in_thread(self._package_jobs.open_with_ticket, ticket)
            return send_of_job(self._package_jobs, ticket.job_id, package)
        part = asked_part(request)
        if part is not None:
            return await send_part(request, self._cutouts, ticket, name, part)
        return await send_content(request, self._reading, ticket, name)

    async def head(self, request: Request) -> Response:
        """The headers of GET; of a place to be written, those of what is there now, or 404."""
        ticket, name = await self._opened(request)
        if isinstance(ticket, PackageTicket):
            return describe_package(
                await in_thread(self._package_jobs.open_with_ticket, ticket)
            )
        if isinstance(ticket, WriteTicket):
            if has_transaction(request):
                return await self._receiver.transaction_with_ticket(request, ticket)
            ticket = await in_thread(self._present, ticket)
        elif (part := asked_part(request)) is not None:
            return await send_part(request, self._cutouts, ticket, name, part)
        return describe_content(request, ticket, name)

    async def put(self, request: Request) -> Response:
        """Store the body. The address is good for one upload that succeeds."""
        ticket, _ = await self._opened(request)
        return await self._receiver.receive_with_ticket(request, _for_writing(ticket))

    async def post(self, request: Request) -> Response:
        """Take the last segment of an upload back, or give the upload up."""
        ticket, _ = await self._opened(request)
        return await self._receiver.transaction_with_ticket(request, _for_writing(ticket))

    async def _opened(self, request: Request) -> tuple[Ticket, str]:
        # A ticket is longer than any name of a node, and is ASCII; what follows is a name.
        ticket, _, name = rest_of_path(request).removeprefix(b"/").partition(b"/")
        names = NodePath.from_raw(name).names
        if len(names) > 1:
            raise NodeNotFound("there is no such address for bytes")
        opened = await in_thread(
            self._tickets.open,
            ticket.decode("ascii", "replace"),
            # A long upload outlives its address; its own time is kept by the transaction.
            may_have_expired=ID_HEADER in request.headers,
        )
        return opened, "".join(names) or _NAMELESS

    def _present(self, ticket: WriteTicket) -> ReadTicket:
        return self._receiver.present(ticket)


def _for_writing(ticket: Ticket) -> WriteTicket:
    if not isinstance(ticket, WriteTicket):
        raise PermissionDenied("this address is for reading")
    return ticket
