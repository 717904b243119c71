"""/unpack: the address at which an archive becomes nodes in a container."""

import tempfile
from collections.abc import Callable
from typing import IO, Final

import anyio
from starlette.requests import Request
from starlette.responses import Response

from vospace_model.faults import PermissionDenied, RequestEntityTooLarge
from vospace_model.uris import VosUri
from vospace_server.http.request_bodies import UploadBody, declared_length
from vospace_server.http.responses import text
from vospace_server.http.routing import rest_of_path
from vospace_server.http.threads import in_thread
from vospace_server.services.tickets import TicketService, WriteTicket
from vospace_server.services.tree import Tree
from vospace_server.services.unpack_jobs import UnpackJobs, UnpackSession
from vospace_server.services.unpacking import (
    Unpacked,
    UnpackingStoppedError,
    UnpackOrder,
    UnpackService,
)
from vospace_server.storage.object_store import StoreFullError

MAX_ARCHIVE_BYTES: Final = 32 << 30
"""Larger archives are sent in parts: each needs as much room on the server beside the space."""

# Small archives need no file.
_IN_MEMORY: Final = 1 << 20


class UnpackEndpoint:
    """`/unpack/TICKET/NAME`. Other credentials that come along are not looked at."""

    def __init__(
        self,
        *,
        tree: Tree,
        tickets: TicketService,
        unpacking: UnpackService,
        unpack_jobs: UnpackJobs,
        idle_seconds: float,
    ) -> None:
        self._tree = tree
        self._tickets = tickets
        self._unpacking = unpacking
        self._unpack_jobs = unpack_jobs
        self._idle_seconds = idle_seconds

    async def put(self, request: Request) -> Response:
        """Take an archive and unpack it: 201 when all of it is there, and what was made."""
        length = declared_length(request.headers)
        if length is not None and length > MAX_ARCHIVE_BYTES:
            raise _too_large()
        session = await in_thread(self._begin, request)
        try:
            with tempfile.SpooledTemporaryFile(_IN_MEMORY) as archive:
                await self._receive(request, session, archive)
                done = await in_thread(self._unpack, session, archive)
        finally:
            with anyio.CancelScope(shield=True):
                await in_thread(self._unpack_jobs.release, session)
        return text(_said(done, self._tree.uri(session.path)), status=201)

    def _begin(self, request: Request) -> UnpackSession:
        signed = rest_of_path(request).removeprefix(b"/").partition(b"/")[0]
        ticket = self._tickets.open(signed.decode("ascii", "replace"))
        if not isinstance(ticket, WriteTicket):
            raise PermissionDenied("this address is for reading")
        return self._unpack_jobs.begin(ticket)

    async def _receive(
        self, request: Request, session: UnpackSession, archive: IO[bytes]
    ) -> None:
        body = UploadBody(request.receive, idle_seconds=self._idle_seconds)
        while (chunk := await body.next_chunk()) is not None:
            await in_thread(_keep, archive, chunk, session.beat)

    def _unpack(self, session: UnpackSession, archive: IO[bytes]) -> Unpacked:
        order = UnpackOrder(
            path=session.path,
            view_uri=session.view_uri,
            archive=archive,
            length=archive.tell(),
            beat=session.beat,
        )
        try:
            done = self._unpacking.unpack(session.caller, order)
        except UnpackingStoppedError as stopped:
            self._unpack_jobs.stop(session, stopped)
            raise type(stopped.fault)(
                f"{stopped.fault.detail}; {stopped.done.nodes} nodes were unpacked before"
            ) from stopped
        self._unpack_jobs.complete(session, done)
        return done


def _keep(archive: IO[bytes], chunk: bytearray, beat: Callable[[], None]) -> None:
    if archive.tell() + len(chunk) > MAX_ARCHIVE_BYTES:
        raise _too_large()
    try:
        archive.write(chunk)
    except OSError as error:
        raise StoreFullError("there is no room to receive the archive") from error
    beat()


def _too_large() -> RequestEntityTooLarge:
    return RequestEntityTooLarge(
        f"an archive may have {MAX_ARCHIVE_BYTES >> 30} GiB; send it in parts"
    )


def _said(done: Unpacked, into: VosUri) -> str:
    return (
        f"unpacked into {into}: {done.files} files ({done.size_bytes} bytes), "
        f"{done.containers} new containers, {done.links} links\n"
    )
