"""Parts of FITS files on the byte endpoints (contract 2.5, IVOA SODA 1.0).

`SUB`, `CIRCLE`, `POLYGON`, `BOX`, `POS` and `META` in the query of a GET or HEAD ask for a part
of the file. Its length is known before its first byte. Nothing on the sky in common is 204.
"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from urllib.parse import quote, urlencode

import anyio
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from vospace_server.domain.cutout import parse_cutout
from vospace_server.fits.process import Cutout, CutoutHead
from vospace_server.http.content_headers import content_headers
from vospace_server.http.parameters import query_parameters
from vospace_server.http.ranges import Validators, check_if_match, is_not_modified
from vospace_server.http.responses import StreamedResponse, empty
from vospace_server.http.threads import in_thread
from vospace_server.services.cutouts import CutoutService
from vospace_server.services.tickets import ReadTicket

Pairs = Sequence[tuple[str, str]]


def asked_part(request: Request) -> Pairs | None:
    """The parameters that ask for a part; None when the whole file is asked for.

    The same twice is once: an address that asks for a part is often given the part again.

    Raises InvalidArgument and OptionNotSupported.
    """
    pairs = tuple(dict.fromkeys(query_parameters(request).pairs))
    return None if parse_cutout(pairs) is None else pairs


def with_part(address: str, pairs: Pairs | None) -> str:
    """An address that asks for a part."""
    return f"{address}?{urlencode(pairs, quote_via=quote)}" if pairs else address


async def send_part(
    request: Request, cutouts: CutoutService, ticket: ReadTicket, name: str, pairs: Pairs
) -> Response:
    """The answer to a GET or HEAD of a part. Raises what making it does, and NodeNotFound."""
    validators = _validators(ticket, pairs)
    check_if_match(request.headers, validators.tag)
    if is_not_modified(request.headers, validators):
        return empty(304, validators.headers)
    if ticket.content is None:
        return empty(204)
    cutout = await in_thread(cutouts.begin, ticket, pairs, name)
    try:
        head = await _head(request, cutout)
    except BaseException:
        await _end(cutout)
        raise
    if not head.found:
        await _end(cutout)
        return empty(204)
    headers = _headers(ticket, head, validators)
    if request.method == "HEAD":
        await _end(cutout)
        return Response(b"", 200, headers)
    return _PartResponse(cutout, headers)


class _PartResponse(StreamedResponse):
    """A part while it is being made; its worker ends with it, also before the first byte."""

    def __init__(self, cutout: Cutout, headers: Mapping[str, str]) -> None:
        super().__init__(_chunks(cutout), headers=headers)
        self._cutout = cutout

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, and end the worker."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await _end(self._cutout)


async def _head(request: Request, cutout: Cutout) -> CutoutHead:
    """Wait for the worker to know what comes; a client that goes away ends the waiting."""
    working = asyncio.ensure_future(in_thread(cutout.head))
    leaving = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            cutout.interrupt()
        return await working
    except asyncio.CancelledError:
        cutout.interrupt()
        with anyio.CancelScope(shield=True):
            await asyncio.wait({working})
        raise
    finally:
        leaving.cancel()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _chunks(cutout: Cutout) -> AsyncGenerator[bytes, None]:
    """The bytes; while one chunk is being sent, the next one is made."""
    ahead = asyncio.ensure_future(in_thread(cutout.next_chunk))
    try:
        while chunk := await asyncio.shield(ahead):
            ahead = asyncio.ensure_future(in_thread(cutout.next_chunk))
            yield chunk
    finally:
        cutout.interrupt()
        with anyio.CancelScope(shield=True):
            await asyncio.wait({ahead})
        if not ahead.cancelled():
            # Whatever it was, nobody waits for these bytes any more.
            ahead.exception()
        await _end(cutout)


async def _end(cutout: Cutout) -> None:
    with anyio.CancelScope(shield=True):
        await in_thread(cutout.close)


def _validators(ticket: ReadTicket, pairs: Pairs) -> Validators:
    """The part of a content has a tag of its own."""
    if ticket.content is None:
        return Validators(tag=None, modified=None)
    asked = hashlib.sha256(repr(sorted(pairs)).encode()).hexdigest()[:16]
    return Validators(tag=f"{ticket.content.content_id}-{asked}", modified=None)


def _headers(ticket: ReadTicket, head: CutoutHead, validators: Validators) -> dict[str, str]:
    """Those of the whole, but for what does not hold of a part: digests, ranges, validators."""
    headers = content_headers(ticket, head.name, whole=False)
    for name in ("digest", "repr-digest", "last-modified", "accept-ranges"):
        headers.pop(name, None)
    return {
        **headers,
        **validators.headers,
        "content-type": head.media_type,
        "content-length": str(head.length),
    }
