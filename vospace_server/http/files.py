"""/files: bytes by path. Reading redirects to a byte endpoint, writing happens here."""

from starlette.requests import Request
from starlette.responses import Response

from vospace_model.uris import NodePath
from vospace_server.http.addresses import Addresses
from vospace_server.http.authentication import caller_of
from vospace_server.http.content_headers import content_headers
from vospace_server.http.cutouts import asked_part, with_part
from vospace_server.http.downloads import describe_content
from vospace_server.http.put_transactions import has_transaction
from vospace_server.http.responses import empty
from vospace_server.http.routing import rest_of_path
from vospace_server.http.threads import in_thread
from vospace_server.http.uploads import UploadReceiver
from vospace_server.services.reading import ReadingService


class FileEndpoints:
    """`/files/PATH`. Links are followed, the last one too."""

    def __init__(
        self, *, reading: ReadingService, receiver: UploadReceiver, addresses: Addresses
    ) -> None:
        self._reading = reading
        self._receiver = receiver
        self._addresses = addresses

    async def get(self, request: Request) -> Response:
        """303 to the byte endpoint, 204 when there are no bytes (contract 2.1).

        What asks for a part of a FITS file goes along.
        """
        path = _path_of(request)
        part = asked_part(request)
        opened = await in_thread(self._reading.open, caller_of(request), path)
        if opened.ticket.content is None or opened.ticket.content.length == 0:
            return empty(204, content_headers(opened.ticket, path.name))
        name = NodePath((path.name,)).quoted()
        location = (
            f"{self._addresses.base(request)}{self._addresses.data}/{opened.signed}{name}"
        )
        return empty(303, {"location": with_part(location, part), "cache-control": "no-store"})

    async def head(self, request: Request) -> Response:
        """What there is to read, for everybody who may see the node (contract 7-16).

        Of a part, what GET answers: only where the bytes are is known what it will be.
        """
        path = _path_of(request)
        if has_transaction(request):
            return await self._receiver.transaction(request, caller_of(request), path)
        if asked_part(request) is not None:
            return await self.get(request)
        ticket = await in_thread(self._reading.describe, caller_of(request), path)
        return describe_content(request, ticket, path.name)

    async def put(self, request: Request) -> Response:
        """Create a data node with these bytes, or replace the bytes of one, atomically."""
        return await self._receiver.receive(request, caller_of(request), _path_of(request))

    async def post(self, request: Request) -> Response:
        """Take the last segment of an upload back, or give the upload up."""
        return await self._receiver.transaction(request, caller_of(request), _path_of(request))


def _path_of(request: Request) -> NodePath:
    return NodePath.from_raw(rest_of_path(request))
