"""Receiving bytes: the headers into types, the body in chunks, the answer at the end.

Everything that can be refused is refused before the first byte of the body is read.
"""

from collections.abc import Callable
from typing import Final

import anyio
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from vospace_model.api import JSON_MEDIA_TYPE, MTIME_HEADER, encode_json
from vospace_model.faults import InvalidArgument, OperationNotSupported, TransferFailed
from vospace_model.uris import NodePath
from vospace_server.domain.identity import Caller, TokenScope
from vospace_server.http.digests import announced_digests, digest_headers
from vospace_server.http.node_documents import entry_of
from vospace_server.http.ranges import upload_conditions
from vospace_server.http.request_bodies import UploadBody, declared_length
from vospace_server.http.responses import document, empty
from vospace_server.http.threads import in_thread
from vospace_server.services.data import DataService, Upload
from vospace_server.services.job_execution import Identify
from vospace_server.services.sink import DiscardedUpload
from vospace_server.services.tickets import ReadTicket, WriteTicket
from vospace_server.services.upload_orders import Stored, UploadOrder

AnyUpload = Upload | DiscardedUpload

_TRANSACTION_HEADER: Final = "x-put-txn-op"
_TOTAL_LENGTH_HEADER: Final = "x-total-length"
_NANOSECONDS_LIMIT: Final = 1 << 63


class UploadReceiver:
    """Takes uploads from the caller of a path, and from the bearer of a ticket."""

    def __init__(self, *, data: DataService, identify: Identify, idle_seconds: float) -> None:
        self._data = data
        self._identify = identify
        self._idle_seconds = idle_seconds

    async def receive(self, request: Request, caller: Caller, path: NodePath) -> Response:
        """Store the body at a path: 201 for a new node, 200 for new bytes of an old one."""
        order = _read_order(request, path)
        stored = await self._store(request, lambda: self._data.begin(caller, order))
        return _answer(request, stored, status=201 if stored.created else 200)

    async def receive_with_ticket(self, request: Request, ticket: WriteTicket) -> Response:
        """Store the body where a ticket says; 201, as clients of negotiation expect."""
        order = _read_order(request, NodePath.parse(ticket.path), job_id=ticket.job_id)
        stored = await self._store(
            request, lambda: self._data.begin(self._bearer(ticket), order)
        )
        return _answer(request, stored, status=201)

    def present(self, ticket: WriteTicket) -> ReadTicket:
        """What is there now, where a ticket allows to write. Raises NodeNotFound if nothing."""
        return self._data.present(self._bearer(ticket), NodePath.parse(ticket.path))

    def _bearer(self, ticket: WriteTicket) -> Caller:
        """Whoever negotiated, with the groups and permissions of now."""
        return self._identify(ticket.user, TokenScope(ticket.scope))

    async def _store(self, request: Request, begin: Callable[[], AnyUpload]) -> Stored:
        upload = await in_thread(begin)
        try:
            await self._receive_body(request, upload)
            return await in_thread(upload.commit)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await in_thread(upload.abandon)
            raise

    async def _receive_body(self, request: Request, upload: AnyUpload) -> None:
        """While chunks are hashed and written, the next one is received.

        What goes wrong with one ends the waiting for the other: a client that stalls hears at
        once that its bytes don't fit.
        """
        body = UploadBody(request.receive, idle_seconds=self._idle_seconds)
        sending, receiving = anyio.create_memory_object_stream[bytearray](1)
        failures: list[Exception] = []
        async with receiving, anyio.create_task_group() as group:

            async def write() -> None:
                try:
                    async for chunk in receiving:
                        await in_thread(upload.write, chunk)
                except Exception as failure:  # noqa: BLE001 - raised below, outside the group
                    failures.append(failure)
                    group.cancel_scope.cancel()

            group.start_soon(write)
            try:
                async with sending:
                    while (chunk := await body.next_chunk()) is not None:
                        await sending.send(chunk)
            except (ClientDisconnect, TransferFailed) as failure:
                failures.append(failure)
                group.cancel_scope.cancel()
        if failures:
            raise failures[0]


def _read_order(request: Request, path: NodePath, *, job_id: str | None = None) -> UploadOrder:
    """What the headers say of the upload. Raises InvalidArgument, OperationNotSupported."""
    headers = request.headers
    transaction = headers.get(_TRANSACTION_HEADER)
    if transaction not in {None, "start"} or _TOTAL_LENGTH_HEADER in headers:
        raise OperationNotSupported("put the whole file in one request, without a transaction")

    return UploadOrder(
        path=path,
        declared_length=declared_length(headers),
        announced=announced_digests(headers),
        media_type=headers.get("content-type"),
        mtime_ns=_mtime(headers.get(MTIME_HEADER)),
        conditions=upload_conditions(headers),
        job_id=job_id,
    )


def _mtime(value: str | None) -> int | None:
    if value is None:
        return None
    digits = value.removeprefix("-")
    if not digits.isascii() or not digits.isdigit() or int(digits[:20]) >= _NANOSECONDS_LIMIT:
        raise InvalidArgument(f"{MTIME_HEADER} is a number of nanoseconds, not {value[:40]!r}")
    return int(value)


def _answer(request: Request, stored: Stored, *, status: int) -> Response:
    """The digests of what was stored, and the node itself for those who want it."""
    headers = {"etag": f'"{stored.content.content_id}"', **digest_headers(stored.digests)}
    headers.pop("content-md5", None)
    if JSON_MEDIA_TYPE in request.headers.get("accept", ""):
        body = encode_json(entry_of(stored.view).to_json())
        return document(body, JSON_MEDIA_TYPE, status=status, headers=headers)
    return empty(status, headers)
