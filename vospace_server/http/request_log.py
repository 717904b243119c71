"""Middleware around everything: a request id, one log line and the counters of each request."""

import logging
import secrets
import time
from collections.abc import Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vospace_server.http.metrics import RequestMetrics
from vospace_server.http.routing import TEMPLATE

_LOG = logging.getLogger("vospace_server.requests")

REQUEST_ID = "vospace.request_id"
CALLER_NAME = "vospace.caller_name"

_HIDDEN = "(ticket)"


class RequestLog:
    """Writes `method=GET path=/vault/nodes/d status=200 …` when a request has ended.

    The ticket in the address of a byte endpoint grants access, so it is never written; the
    query is not written either, as programs put credentials there. Tickets follow one of
    `ticket_prefixes`.
    """

    def __init__(
        self, app: ASGIApp, *, metrics: RequestMetrics, ticket_prefixes: Sequence[str]
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._ticket_prefixes = tuple(each.encode("ascii") for each in ticket_prefixes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request and account for it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope[REQUEST_ID] = secrets.token_hex(8)
        exchange = _Exchange(receive, send, scope[REQUEST_ID])
        began = time.perf_counter()
        try:
            await self._app(scope, exchange.receive, exchange.send)
        finally:
            self._account(scope, exchange, time.perf_counter() - began)

    def _account(self, scope: Scope, exchange: "_Exchange", seconds: float) -> None:
        self._metrics.count(
            method=scope["method"],
            route=scope.get(TEMPLATE, "(none)"),
            status=exchange.status,
            seconds=seconds,
            received_bytes=exchange.received_bytes,
            sent_bytes=exchange.sent_bytes,
        )
        _LOG.info(
            "id=%s method=%s path=%s status=%d user=%s in=%d out=%d ms=%.1f",
            scope[REQUEST_ID],
            scope["method"],
            self._shown_path(scope["raw_path"]),
            exchange.status,
            scope.get(CALLER_NAME, "-"),
            exchange.received_bytes,
            exchange.sent_bytes,
            seconds * 1000,
        )

    def _shown_path(self, raw_path: bytes) -> str:
        """The raw path, percent-encoded as it came, without the ticket."""
        for prefix in self._ticket_prefixes:
            if raw_path.startswith(prefix):
                ticket, slash, name = raw_path.removeprefix(prefix).partition(b"/")
                if ticket:
                    raw_path = prefix + _HIDDEN.encode() + slash + name
        return raw_path.decode("ascii", "backslashreplace")


class _Exchange:
    """Counts what passes and remembers the status."""

    def __init__(self, receive: Receive, send: Send, request_id: str) -> None:
        self._receive = receive
        self._send = send
        self._request_id = request_id
        # 499 as in nginx: the client went away before there was an answer.
        self.status = 499
        self.received_bytes = 0
        self.sent_bytes = 0

    async def receive(self) -> Message:
        message = await self._receive()
        self.received_bytes += len(message.get("body", b""))
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            identified = (b"x-request-id", self._request_id.encode("ascii"))
            message = {**message, "headers": [*message.get("headers", ()), identified]}
        self.sent_bytes += len(message.get("body", b""))
        await self._send(message)
