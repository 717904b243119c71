"""/api/v1/bundle: many small files in one answer, for clients far away.

Frames follow each other as lines and bytes (vospace_model.api); at most one chunk of one file
is in memory. Files that can't be read are frames too, with the fault.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from vospace_model.api import (
    BUNDLE_MEDIA_TYPE,
    MAX_BUNDLE_BYTES,
    BundledFault,
    BundledFile,
    BundleEnd,
    BundleRequest,
    decode_json,
    encode_line,
)
from vospace_model.faults import Fault, NodeNotFound
from vospace_model.uris import NodePath
from vospace_server.domain.content import Content
from vospace_server.domain.identity import Caller
from vospace_server.http.authentication import caller_of
from vospace_server.http.request_bodies import read_document
from vospace_server.http.responses import StreamedResponse
from vospace_server.http.threads import in_batches
from vospace_server.services.reading import ReadingService
from vospace_server.services.tickets import ReadTicket
from vospace_server.storage.object_store import ObjectReader, read_range

# A thousand paths of usual length; longer lists come in several requests.
_MAX_REQUEST_BYTES: Final = 1 << 20
_CHUNK_BYTES: Final = 1 << 20
_LOOKED_UP_TOGETHER: Final = 100


class BundleEndpoint:
    """Streams the bytes of several files, each authorised as if asked for alone."""

    def __init__(self, *, reading: ReadingService) -> None:
        self._reading = reading

    async def post(self, request: Request) -> Response:
        """The files of the body's paths, as many as fit into 64 MiB (but at least one)."""
        body = await read_document(request, _MAX_REQUEST_BYTES)
        asked = BundleRequest.from_json(decode_json(body))
        chunks = in_batches(self._frames(caller_of(request), asked.paths))
        return StreamedResponse(chunks, headers={"content-type": BUNDLE_MEDIA_TYPE})

    def _frames(self, caller: Caller, paths: tuple[NodePath, ...]) -> Iterator[bytes]:
        count = 0
        sent_bytes = 0
        for path, ticket in self._tickets(caller, paths):
            try:
                content, reader = self._open(path, ticket)
            except Fault as fault:
                yield encode_line(BundledFault(path=path, fault=fault).to_json())
                count += 1
                continue
            with closing(reader):
                if count and sent_bytes + content.length > MAX_BUNDLE_BYTES:
                    break
                yield from _file_frame(path, content, reader)
            sent_bytes += content.length
            count += 1
        yield encode_line(BundleEnd(count=count).to_json())

    def _tickets(
        self, caller: Caller, paths: Sequence[NodePath]
    ) -> Iterator[tuple[NodePath, ReadTicket | Fault]]:
        """What each path is, asked for many at a time but not long before it is sent."""
        for first in range(0, len(paths), _LOOKED_UP_TOGETHER):
            some = paths[first : first + _LOOKED_UP_TOGETHER]
            yield from zip(some, self._reading.open_many(caller, some), strict=True)

    def _open(self, path: NodePath, ticket: ReadTicket | Fault) -> tuple[Content, ObjectReader]:
        if isinstance(ticket, Fault):
            raise ticket
        if ticket.content is None:
            raise NodeNotFound(f"nothing has been written to {path}")
        return ticket.content, self._reading.open_object(ticket)


def _file_frame(path: NodePath, content: Content, reader: ObjectReader) -> Iterator[bytes]:
    head = BundledFile(path=path, content=content.content_id, length=content.length)
    yield encode_line(head.to_json())
    yield from read_range(reader, 0, content.length, chunk_bytes=_CHUNK_BYTES)
    yield b"\n"
