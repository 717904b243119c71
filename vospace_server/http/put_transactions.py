"""Uploads in several requests by the headers `x-put-txn-*` (contract 2.5).

PUT  op start, the whole body               202 with id and digest
PUT  op start, no body [x-total-length: N]  202 with id and the lengths of segments
PUT  id, a segment [Content-Range]          202 with the digest of everything so far
HEAD id                                     200 with the same, and how much there is
POST id, op revert                          202: the last segment is taken back
POST id, op abort                           204: nothing is left
PUT  id, op commit                          201: the node has the bytes
"""

import enum
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

from vospace_model.faults import InvalidArgument
from vospace_model.uris import NodePath
from vospace_server.domain.digests import Digests
from vospace_server.domain.identity import Caller
from vospace_server.http.body_receiving import received, stored_answer
from vospace_server.http.digests import digest_headers
from vospace_server.http.request_bodies import UploadBody
from vospace_server.http.responses import empty
from vospace_server.http.threads import in_thread
from vospace_server.services.put_transactions import PutTransactionService
from vospace_server.services.segments import Progress, SegmentOrder, SegmentUpload
from vospace_server.services.transaction_ends import TransactionEnds
from vospace_server.services.upload_orders import UploadOrder

OP_HEADER: Final = "x-put-txn-op"
ID_HEADER: Final = "x-put-txn-id"
TOTAL_HEADER: Final = "x-total-length"
MIN_HEADER: Final = "x-put-segment-minbytes"
MAX_HEADER: Final = "x-put-segment-maxbytes"

_LENGTH: Final = re.compile(r"[0-9]{1,18}", re.ASCII)
_CONTENT_RANGE: Final = re.compile(
    r"bytes ([0-9]{1,18})-([0-9]{1,18})/(?:[0-9]{1,18}|\*)", re.ASCII
)

Bearer = Callable[[], Caller]


class Op(enum.StrEnum):
    """What is to be done with a transaction; without any, a segment comes."""

    START = "start"
    COMMIT = "commit"
    REVERT = "revert"
    ABORT = "abort"


def has_transaction(request: Request) -> bool:
    """Whether a request is one of several."""
    return any(name in request.headers for name in (OP_HEADER, ID_HEADER, TOTAL_HEADER))


class PutTransactions:
    """The requests of a transaction, by path or by ticket: `bearer` is who sends them."""

    def __init__(
        self,
        *,
        transactions: PutTransactionService,
        ends: TransactionEnds,
        idle_seconds: float,
    ) -> None:
        self._transactions = transactions
        self._ends = ends
        self._idle_seconds = idle_seconds

    async def put(self, request: Request, bearer: Bearer, order: UploadOrder) -> Response:
        """Start, add a segment, or commit."""
        op, transaction_id = _op(request.headers), request.headers.get(ID_HEADER)
        if op is Op.START and transaction_id is None:
            return await self._start(request, bearer, order)
        if transaction_id is None:
            raise InvalidArgument(f"{ID_HEADER} is missing; begin with {OP_HEADER}: start")
        if op is None:
            return await self._segment(request, bearer, order, transaction_id)
        if op is Op.COMMIT:
            stored = await in_thread(lambda: self._ends.commit(bearer(), transaction_id, order))
            return stored_answer(request, stored, status=201)
        raise InvalidArgument(f"PUT does not take {OP_HEADER}: {op} with {ID_HEADER}")

    async def answer(self, request: Request, bearer: Bearer, path: NodePath) -> Response:
        """HEAD: how far it is. POST: take the last segment back, or give up."""
        transaction_id = request.headers.get(ID_HEADER)
        if transaction_id is None:
            raise InvalidArgument(
                f"files are sent by PUT; here {OP_HEADER} needs {ID_HEADER}, which is missing"
            )
        if request.method == "HEAD":
            progress = await in_thread(
                lambda: self._transactions.progress(bearer(), path, transaction_id)
            )
            # What a HEAD says is the length of what there is.
            length = {"content-length": str(progress.received_bytes)}
            return empty(200, {**self._headers(progress), **length})
        op = _op(request.headers)
        if op is Op.REVERT:
            progress = await in_thread(
                lambda: self._transactions.revert(bearer(), path, transaction_id)
            )
            return empty(202, self._headers(progress))
        if op is Op.ABORT:
            await in_thread(lambda: self._ends.abort(bearer(), path, transaction_id))
            return empty(204)
        raise InvalidArgument(f"POST takes {OP_HEADER}: revert or abort")

    async def _start(self, request: Request, bearer: Bearer, order: UploadOrder) -> Response:
        if TOTAL_HEADER in request.headers:
            order = replace(order, declared_length=_total(request.headers[TOTAL_HEADER]))
            if request.headers.get("content-length", "0") != "0":
                raise InvalidArgument(
                    f"a start with {TOTAL_HEADER} has no body; the segments come after it"
                )
        elif order.declared_length != 0:
            progress = await received(
                self._body(request),
                lambda: self._transactions.begin_whole(bearer(), order),
                lambda upload: self._transactions.hold(upload, order),
            )
            return empty(202, self._headers(progress))
        else:
            order = replace(order, declared_length=None)
        progress = await in_thread(lambda: self._transactions.start(bearer(), order))
        return empty(202, self._headers(progress))

    async def _segment(
        self, request: Request, bearer: Bearer, order: UploadOrder, transaction_id: str
    ) -> Response:
        segment = SegmentOrder(
            declared_length=order.declared_length,
            announced=order.announced,
            start=_segment_start(request.headers, order.declared_length),
            job_id=order.job_id,
        )
        progress = await received(
            self._body(request),
            lambda: self._transactions.add_segment(
                bearer(), order.path, transaction_id, segment
            ),
            SegmentUpload.commit,
        )
        return empty(202, self._headers(progress))

    def _body(self, request: Request) -> UploadBody:
        return UploadBody(request.receive, idle_seconds=self._idle_seconds)

    def _headers(self, progress: Progress) -> dict[str, str]:
        limits = self._transactions.limits
        headers = {
            ID_HEADER: progress.transaction_id,
            MIN_HEADER: str(limits.min_bytes),
            MAX_HEADER: str(limits.max_bytes),
            "cache-control": "no-store",
        }
        if progress.total_bytes is not None:
            headers[TOTAL_HEADER] = str(progress.total_bytes)
        if progress.md5 is not None:
            headers.update(digest_headers(Digests(md5=progress.md5), whole=False))
        return headers


def _op(headers: Headers) -> Op | None:
    stated = headers.get(OP_HEADER)
    if stated is None:
        return None
    try:
        return Op(stated.strip().lower())
    except ValueError:
        known = ", ".join(Op)
        raise InvalidArgument(f"{OP_HEADER} is one of {known}, not {stated[:40]!r}") from None


def _total(stated: str) -> int:
    if _LENGTH.fullmatch(stated) is None or int(stated) == 0:
        raise InvalidArgument(
            f"{TOTAL_HEADER} is a number of bytes, 1 or more, not {stated[:40]!r}"
        )
    return int(stated)


def _segment_start(headers: Headers, declared_length: int | None) -> int | None:
    """Where a segment belongs, if its Content-Range says so. Raises InvalidArgument."""
    stated = headers.get("content-range")
    if stated is None:
        return None
    found = _CONTENT_RANGE.fullmatch(stated.strip())
    if found is None:
        raise InvalidArgument(f"Content-Range is bytes START-END/TOTAL, not {stated[:80]!r}")
    start, last = int(found[1]), int(found[2])
    if declared_length is not None and declared_length != last + 1 - start:
        raise InvalidArgument(f"Content-Range {stated} is not of {declared_length} bytes")
    return start
