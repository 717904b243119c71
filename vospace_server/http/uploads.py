"""Receiving bytes: the headers into types, the body in chunks, the answer at the end.

Everything that can be refused is refused before the first byte of the body is read, unless the
body is so small that it has come with its head.
"""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from vospace_model.faults import InvalidArgument
from vospace_model.uris import NodePath
from vospace_server.domain.identity import Caller
from vospace_server.domain.token_scope import TokenScope
from vospace_server.http.body_receiving import read_order, received, stored_answer
from vospace_server.http.put_transactions import OP_HEADER, PutTransactions, has_transaction
from vospace_server.http.request_bodies import SMALL_BYTES, UploadBody
from vospace_server.http.threads import in_thread
from vospace_server.services.data import DataService, Upload
from vospace_server.services.job_execution import Identify
from vospace_server.services.sink import DiscardedUpload
from vospace_server.services.tickets import ReadTicket, WriteTicket
from vospace_server.services.upload_orders import Stored, UploadOrder

AnyUpload = Upload | DiscardedUpload


class UploadReceiver:
    """Takes uploads from the caller of a path, and from the bearer of a ticket."""

    def __init__(
        self,
        *,
        data: DataService,
        transactions: PutTransactions,
        identify: Identify,
        idle_seconds: float,
    ) -> None:
        self._data = data
        self._transactions = transactions
        self._identify = identify
        self._idle_seconds = idle_seconds

    async def receive(self, request: Request, caller: Caller, path: NodePath) -> Response:
        """Store the body at a path: 201 for a new node, 200 for new bytes of an old one."""
        order = read_order(request, path)
        if has_transaction(request):
            return await self._transactions.put(request, lambda: caller, order)
        _check_whole(request)
        body = self._body(request)
        if _may_come_at_once(request, order):
            whole = await body.whole_at_once()
            if whole is not None:
                stored = await in_thread(self._data.store_whole, caller, order, whole)
                return stored_answer(request, stored, status=201 if stored.created else 200)
        stored = await self._store(body, lambda: self._data.begin(caller, order))
        return stored_answer(request, stored, status=201 if stored.created else 200)

    async def receive_with_ticket(self, request: Request, ticket: WriteTicket) -> Response:
        """Store the body where a ticket says; 201, as clients of negotiation expect."""
        order = read_order(request, NodePath.parse(ticket.path), job_id=ticket.job_id)
        if has_transaction(request):
            return await self._transactions.put(request, lambda: self._bearer(ticket), order)
        _check_whole(request)
        stored = await self._store(
            self._body(request), lambda: self._data.take(self._bearer(ticket), order)
        )
        return stored_answer(request, stored, status=201)

    async def transaction(self, request: Request, caller: Caller, path: NodePath) -> Response:
        """HEAD or POST of a transaction by the caller of a path."""
        return await self._transactions.answer(request, lambda: caller, path)

    async def transaction_with_ticket(self, request: Request, ticket: WriteTicket) -> Response:
        """HEAD or POST of a transaction by the bearer of a ticket."""
        path = NodePath.parse(ticket.path)
        return await self._transactions.answer(request, lambda: self._bearer(ticket), path)

    def present(self, ticket: WriteTicket) -> ReadTicket:
        """What is there now, where a ticket allows to write. Raises NodeNotFound if nothing."""
        return self._data.present(self._bearer(ticket), NodePath.parse(ticket.path))

    def _bearer(self, ticket: WriteTicket) -> Caller:
        """Whoever negotiated, with the groups and permissions of now."""
        return self._identify(ticket.user, TokenScope.decode(ticket.scope))

    def _body(self, request: Request) -> UploadBody:
        return UploadBody(request.receive, idle_seconds=self._idle_seconds)

    async def _store(self, body: UploadBody, begin: Callable[[], AnyUpload]) -> Stored:
        return await received(body, begin, lambda upload: upload.commit())


def _check_whole(request: Request) -> None:
    """Raise InvalidArgument for a part of a file, which would replace all of it.

    That is what programs send that resume an upload (RFC 9110, 14.5).
    """
    if "content-range" in request.headers:
        raise InvalidArgument(
            f"a body with Content-Range is a part; parts are sent with {OP_HEADER}: start"
        )


def _may_come_at_once(request: Request, order: UploadOrder) -> bool:
    """Whether nothing is gained by looking at an upload before its bytes have come.

    It is so small that it would be read to its end if it were refused, too, and its sender
    does not wait to hear whether it will be.
    """
    length = order.declared_length
    waits = "expect" in request.headers
    return length is not None and length <= SMALL_BYTES and not waits
