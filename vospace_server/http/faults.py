"""From exceptions to answers, in one place: the middleware around every endpoint.

A fault of the standard becomes its status and the text `Name: detail`. Anything else is a
defect or a broken part: it becomes 500 with the request id, and is logged once with its
traceback, which never reaches the client.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vospace_model.faults import (
    Fault,
    InternalFault,
    NodeNotFound,
    NotAuthenticated,
    ServiceBusy,
    describe,
    status_of,
)
from vospace_server.http.challenges import Challenges
from vospace_server.http.request_log import REQUEST_ID
from vospace_server.http.responses import text
from vospace_server.storage.object_store import StoreError, StoreFullError

_LOG = logging.getLogger(__name__)

# When the standard gives no better number (contract 1.8 shows 180 for a switched-off service).
_RETRY_AFTER_SECONDS = 30
# Somebody has to make room first.
_STORE_RETRY_AFTER_SECONDS = 120


class FaultPages(Protocol):
    """Says a fault as a page, to a person with a browser."""

    async def answer(self, fault: Fault, scope: Scope) -> Response | None:
        """The page; None for a program, which gets text."""
        ...


class FaultRendering:
    """Middleware: every exception of an endpoint ends here."""

    def __init__(
        self, app: ASGIApp, *, challenges: Challenges, pages: FaultPages | None = None
    ) -> None:
        self._app = app
        self._challenges = challenges
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; raises nothing but cancellation."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def noting_send(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, noting_send)
        except ClientDisconnect:
            _LOG.info("id=%s the client went away", scope[REQUEST_ID])
        except Exception as error:  # noqa: BLE001 - the last place that can answer
            fault = _fault_of(error, scope)
            if not started:
                response = await self._render(fault, scope)
                await response(scope, receive, send)
            # Else the answer stays incomplete: the server cuts the connection, and the client
            # sees a broken answer, never a short one.

    async def _render(self, fault: Fault, scope: Scope) -> Response:
        page = None if self._pages is None else await self._pages.answer(fault, scope)
        response = page or fault_response(fault)
        if isinstance(fault, NotAuthenticated):
            response.raw_headers.extend(self._challenges.headers(scope))
        if isinstance(fault, ServiceBusy):
            seconds = fault.retry_after_seconds or _RETRY_AFTER_SECONDS
            response.headers["retry-after"] = str(seconds)
        return response


def fault_response(fault: Fault, headers: Mapping[str, str] | None = None) -> Response:
    """`Name: detail` with the status of the fault."""
    return text(f"{describe(fault)}\n", status=status_of(fault), headers=headers)


def not_found(
    pages: FaultPages | None = None,
) -> Callable[[Request, Exception], Awaitable[Response]]:
    """The answer where there is no route; the standard has no name for it."""

    async def answer(request: Request, _error: Exception) -> Response:
        fault = NodeNotFound("there is nothing at this address")
        page = None if pages is None else await pages.answer(fault, request.scope)
        return page or text(f"NotFound: {fault.detail}\n", status=404)

    return answer


def _fault_of(error: Exception, scope: Scope) -> Fault:
    """The fault to answer with; what is not the caller's doing is logged here, once."""
    if isinstance(error, Fault):
        if isinstance(error, InternalFault):
            _LOG.error("id=%s %s", scope[REQUEST_ID], error, exc_info=error)
        elif isinstance(error, ServiceBusy):
            _LOG.info("id=%s %s", scope[REQUEST_ID], error)
        return error
    if isinstance(error, StoreFullError):
        _LOG.error("id=%s %s", scope[REQUEST_ID], error)
        return ServiceBusy(f"{error}; nothing was stored", _STORE_RETRY_AFTER_SECONDS)
    if isinstance(error, StoreError):
        _LOG.error("id=%s %s", scope[REQUEST_ID], error, exc_info=error)
        return InternalFault(f"the storage failed; request {scope[REQUEST_ID]}")
    _LOG.error("id=%s unexpected %r", scope[REQUEST_ID], error, exc_info=error)
    return InternalFault(
        f"unexpected failure; the log has the cause of request {scope[REQUEST_ID]}"
    )
