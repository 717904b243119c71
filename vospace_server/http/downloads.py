"""Sending stored bytes: small parts at once, large ones in chunks that are read ahead."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Final

import anyio
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

from vospace_model.faults import RangeNotSatisfiable
from vospace_server.domain.content import ByteRange, Content
from vospace_server.http.content_headers import content_headers, validators_of
from vospace_server.http.faults import fault_response
from vospace_server.http.ranges import check_preconditions, is_not_modified, requested_range
from vospace_server.http.responses import StreamedResponse, empty
from vospace_server.http.threads import in_thread
from vospace_server.services.reading import ReadingService
from vospace_server.services.tickets import ReadTicket
from vospace_server.storage.object_store import ObjectReader, StoreError

# Measured: 64 KiB chunks give a third of the throughput of these.
_CHUNK_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What to send: an answer that is ready, or headers and an open object to read from."""

    status: int
    headers: Mapping[str, str]
    part: ByteRange
    reader: ObjectReader | None = None
    body: bytes = b""


async def send_content(
    request: Request, reading: ReadingService, ticket: ReadTicket, name: str
) -> Response:
    """The answer to a GET of the bytes of a ticket, in whole or in part.

    Raises NodeNotFound and PreconditionFailed.
    """
    if ticket.content is None:
        return empty(204, content_headers(ticket, name))
    check_preconditions(request.headers, validators_of(ticket))
    if is_not_modified(request.headers, validators_of(ticket)):
        return empty(304, validators_of(ticket).headers)
    try:
        plan = await in_thread(_plan, reading, ticket, ticket.content, name, request.headers)
    except RangeNotSatisfiable as fault:
        return fault_response(fault, {"content-range": f"bytes */{ticket.content.length}"})
    if plan.reader is None:
        return Response(plan.body, plan.status, plan.headers)
    return StreamedResponse(
        _chunks(plan.reader, plan.part), status=plan.status, headers=plan.headers
    )


def describe_content(request: Request, ticket: ReadTicket, name: str) -> Response:
    """The answer to a HEAD: the headers that GET of the whole would have.

    Raises PreconditionFailed.
    """
    validators = validators_of(ticket)
    check_preconditions(request.headers, validators)
    if ticket.content is not None and is_not_modified(request.headers, validators):
        return empty(304, validators.headers)
    length = 0 if ticket.content is None else ticket.content.length
    return Response(b"", 200, {**content_headers(ticket, name), "content-length": str(length)})


def _plan(
    reading: ReadingService, ticket: ReadTicket, content: Content, name: str, asked: Headers
) -> _Plan:
    """Decide what to send, open the object, and read it when it is small: one thread hop."""
    part = requested_range(asked, content.length, validators_of(ticket))
    headers = content_headers(ticket, name, whole=part is None)
    if part is not None:
        headers["content-range"] = f"bytes {part.start}-{part.stop - 1}/{content.length}"
    status = 200 if part is None else 206
    part = part or ByteRange(0, content.length)
    headers["content-length"] = str(len(part))
    reader = reading.open_object(ticket)
    if len(part) > _CHUNK_BYTES:
        return _Plan(status=status, headers=headers, part=part, reader=reader)
    try:
        body = _read(reader, part.start, part.stop)
    finally:
        reader.close()
    return _Plan(status=status, headers=headers, part=part, body=body)


async def _chunks(reader: ObjectReader, part: ByteRange) -> AsyncGenerator[bytes, None]:
    """The bytes of a part. While one chunk is being sent, the next one is read."""
    offset = part.start
    ahead: asyncio.Future[bytes] | None = _read_ahead(reader, offset, part.stop)
    try:
        while ahead is not None:
            chunk = await ahead
            offset += len(chunk)
            ahead = _read_ahead(reader, offset, part.stop)
            yield chunk
    finally:
        await _settle(ahead)
        reader.close()


def _read_ahead(reader: ObjectReader, start: int, end: int) -> "asyncio.Future[bytes] | None":
    if start >= end:
        return None
    return asyncio.ensure_future(
        in_thread(_read, reader, start, min(start + _CHUNK_BYTES, end))
    )


async def _settle(ahead: "asyncio.Future[bytes] | None") -> None:
    """Wait for the thread that reads ahead: only then may its descriptor be closed."""
    if ahead is None:
        return
    with anyio.CancelScope(shield=True):
        await asyncio.wait([ahead])
    if not ahead.cancelled():
        # Whatever it was, nobody waits for these bytes any more.
        ahead.exception()


def _read(reader: ObjectReader, start: int, stop: int) -> bytes:
    """All of [start, stop). Raises StoreError when the object ends before."""
    chunk = reader.read_at(start, stop - start)
    if len(chunk) != stop - start:
        raise StoreError(f"an object ended at byte {start + len(chunk)}, {stop} was expected")
    return chunk
