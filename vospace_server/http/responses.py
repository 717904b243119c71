"""Answers: exact content types, without the charset that frameworks like to add.

Clients of VOSpace compare content types literally, so `text/xml` and `text/plain` go out bare;
every document is UTF-8.
"""

import json
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing

import anyio
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from vospace_server.http.threads import first_batch, in_batches

XML = "text/xml"
TEXT = "text/plain"
JSON = "application/json"
NDJSON = "application/x-ndjson"


def document(
    content: bytes,
    media_type: str = XML,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A whole document of one content type."""
    return Response(content, status, {"content-type": media_type, **(headers or {})})


def text(
    content: str, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Plain text, byte for byte as given: no newline is added."""
    return document(content.encode(), TEXT, status=status, headers=headers)


def json_document(
    content: object, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A JSON value, without spaces."""
    encoded = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return document(encoded, JSON, status=status, headers=headers)


def empty(status: int, headers: Mapping[str, str] | None = None) -> Response:
    """No content at all."""
    return Response(b"", status, dict(headers or {}))


def headers_alone(headers: Mapping[str, str], *, status: int = 200) -> Response:
    """The answer to a HEAD, which has a length only if the headers say one."""
    response = Response(None, status, headers)
    if "content-length" not in headers:
        del response.headers["content-length"]
    return response


def see_other(location: str) -> Response:
    """303: the answer is at another address."""
    return empty(303, {"location": location})


class StreamedResponse(Response):
    """A body that is made while it is sent, and closed as soon as the client is gone.

    An exception while streaming reaches the caller of the application after the start of the
    answer has been sent; the connection is then cut, so that a client sees a broken answer and
    never a short one.
    """

    def __init__(
        self,
        chunks: AsyncGenerator[bytes, None],
        *,
        headers: Mapping[str, str],
        status: int = 200,
    ) -> None:
        super().__init__(None, status, headers)
        if "content-length" not in headers:
            del self.headers["content-length"]
        self._chunks = chunks

    def headers_alone(self) -> Response:
        """The answer to a HEAD: nothing of the body is made."""
        return headers_alone(self.headers, status=self.status_code)

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the chunks until they end, they fail, or the client goes away."""
        failures: list[Exception] = []
        async with anyio.create_task_group() as group:

            async def watch() -> None:
                while (await receive())["type"] != "http.disconnect":
                    pass
                group.cancel_scope.cancel()

            group.start_soon(watch)
            try:
                await self._send_all(send)
            except Exception as failure:  # noqa: BLE001 - raised below, outside the group
                failures.append(failure)
            group.cancel_scope.cancel()
        if failures:
            raise failures[0]

    async def _send_all(self, send: Send) -> None:
        start = {"type": "http.response.start", "status": self.status_code}
        await send({**start, "headers": self.raw_headers})
        async with aclosing(self._chunks) as chunks:
            async for chunk in chunks:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def listed(chunks: Iterator[bytes], *, headers: Mapping[str, str]) -> Response:
    """A document of any length, its first batch made here and now; call it in a thread.

    What is short is sent in one piece, with its length; everything else while it is made. A
    failure in the first batch is raised here, so that it still becomes an error status.
    """
    first = first_batch(chunks)
    if first.is_last:
        return Response(first.content, 200, dict(headers))
    return StreamedResponse(in_batches(chunks, first), headers=headers)
