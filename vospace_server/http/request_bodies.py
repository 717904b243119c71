"""Request bodies: documents whole and bounded, uploads in large chunks, refusals before either.

An answer that is ready before the body has been read must reach a client that is still
sending. `UnreadBodies` takes care of that, in one place for every endpoint.
"""

import anyio
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vospace_model.faults import (
    InvalidArgument,
    InvalidData,
    RequestEntityTooLarge,
    TransferFailed,
)

# So large that the thread hop of a chunk costs little beside its hashes and its write.
UPLOAD_CHUNK_BYTES = 1 << 20

# A small body usually comes in the same packet as its head, or in the next.
_MOMENT_SECONDS = 0.05

# Documents are small; a client that needs longer holds a connection for nothing.
_DOCUMENT_SECONDS = 60.0

# A body of at most this is read to its end even after a refusal, which keeps the connection.
SMALL_BYTES = 64 * 1024
# A client that goes on sending after a refusal is read for at most this long and this much:
# closing at once could reset the connection before the client has read the answer.
_LINGER_SECONDS = 2.0
_LINGER_BYTES = 64 << 20


async def read_document(request: Request, limit_bytes: int) -> bytes:
    """The whole body.

    Raises RequestEntityTooLarge beyond limit_bytes, without reading on, and InvalidData when
    the client takes too long over it.
    """
    too_large = f"the request's document may have {limit_bytes} bytes at most"
    declared = declared_length(request.headers)
    if declared is not None and declared > limit_bytes:
        raise RequestEntityTooLarge(too_large)
    body = bytearray()
    with anyio.move_on_after(_DOCUMENT_SECONDS) as patience:
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit_bytes:
                raise RequestEntityTooLarge(too_large)
    if patience.cancelled_caught:
        raise InvalidData(f"the request's document did not come in {_DOCUMENT_SECONDS:g} s")
    return bytes(body)


def declared_length(headers: Headers) -> int | None:
    """The Content-Length, or None when the body is chunked. Raises InvalidArgument.

    A coding other than chunked would be stored as if it were the content, so it is refused.
    """
    coding = headers.get("transfer-encoding", "chunked")
    if coding.strip().lower() != "chunked":
        raise InvalidArgument(f"Transfer-Encoding is chunked or nothing, not {coding[:80]!r}")
    value = headers.get("content-length")
    if value is None:
        return None
    if not value.isascii() or not value.isdigit():
        raise InvalidArgument(f"Content-Length is a number of bytes, not {value!r}")
    return int(value)


class UploadBody:
    """The body of an upload, taken in chunks of about UPLOAD_CHUNK_BYTES."""

    def __init__(self, receive: Receive, *, idle_seconds: float) -> None:
        self._receive = receive
        self._idle_seconds = idle_seconds
        self._complete = False
        # What came while `whole_at_once` waited for the rest.
        self._ahead = bytearray()

    async def whole_at_once(self) -> bytearray | None:
        """The whole body, if it comes within a moment; else None, and nothing is lost.

        Only for a body that is declared to be small. Raises ClientDisconnect.
        """
        with anyio.move_on_after(_MOMENT_SECONDS):
            while not self._complete:
                self._ahead += await self._next_piece()
        return self._ahead if self._complete else None

    async def next_chunk(self) -> bytearray | None:
        """The next chunk, None at the end.

        Raises ClientDisconnect when the client is gone, TransferFailed when it is there and
        sends nothing for idle_seconds.
        """
        chunk, self._ahead = self._ahead, bytearray()
        deadline = anyio.current_time() + self._idle_seconds
        with anyio.CancelScope(deadline=deadline) as patience:
            while not self._complete and len(chunk) < UPLOAD_CHUNK_BYTES:
                chunk += await self._next_piece()
                patience.deadline = anyio.current_time() + self._idle_seconds
        if patience.cancelled_caught:
            raise TransferFailed(f"nothing was received for {self._idle_seconds:g} seconds")
        return chunk or None

    async def _next_piece(self) -> bytes:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        self._complete = not message.get("more_body", False)
        piece: bytes = message.get("body", b"")
        return piece


class UnreadBodies:
    """Middleware: brings an early answer to a client that has not finished sending."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass requests without a body through, watch the others."""
        if scope["type"] != "http" or not _announces_body(Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(Headers(scope=scope), receive, send)
        await self._app(scope, exchange.receive, exchange.send)


class _Exchange:
    """One request with a body: knows how much of it was taken when the answer starts."""

    def __init__(self, headers: Headers, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._expects_continue = headers.get("expect", "").lower() == "100-continue"
        self._small = _is_small(headers)
        self._asked = False
        self._complete = False
        self._lingers = False

    async def receive(self) -> Message:
        """The next message, noting the end of the body."""
        self._asked = True
        message = await self._receive()
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            self._complete = True
        return message

    async def send(self, message: Message) -> None:
        """Send a message, keeping the connection only when the body was read."""
        if message["type"] == "http.response.start" and not self._complete:
            message = await self._start_early(message)
        if self._lingers and not message.get("more_body", False) and "body" in message:
            await self._send({**message, "more_body": True})
            await self._discard(_LINGER_BYTES, _LINGER_SECONDS)
            message = {"type": "http.response.body", "body": b"", "more_body": False}
        await self._send(message)

    async def _start_early(self, message: Message) -> Message:
        # A client that waits for "100 Continue" has sent nothing; reading would ask for it.
        waits = self._expects_continue and not self._asked
        if self._small and not waits:
            await self._discard(SMALL_BYTES, _LINGER_SECONDS)
        if self._complete:
            return message
        self._lingers = not waits
        return {**message, "headers": [*message.get("headers", ()), (b"connection", b"close")]}

    async def _discard(self, limit_bytes: int, seconds: float) -> None:
        discarded = 0
        with anyio.move_on_after(seconds):
            while not self._complete and discarded <= limit_bytes:
                discarded += len((await self.receive()).get("body", b""))


def _announces_body(headers: Headers) -> bool:
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


def _is_small(headers: Headers) -> bool:
    length = headers.get("content-length", "")
    return length.isascii() and length.isdigit() and int(length) <= SMALL_BYTES
