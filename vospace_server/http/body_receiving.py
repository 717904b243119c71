"""An upload between the wire and the store: its headers, its body, and what is answered."""

import re
import typing
from collections.abc import Callable
from typing import Final, TypeVar

import anyio
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from vospace_model.api import JSON_MEDIA_TYPE, MTIME_HEADER, encode_json
from vospace_model.faults import InvalidArgument, TransferFailed
from vospace_model.uris import NodePath
from vospace_server.http.digests import announced_digests, digest_headers
from vospace_server.http.node_documents import entry_of
from vospace_server.http.parameters import FORM_TYPE
from vospace_server.http.ranges import upload_conditions
from vospace_server.http.request_bodies import UploadBody, declared_length
from vospace_server.http.responses import document, empty
from vospace_server.http.threads import in_thread
from vospace_server.services.upload_orders import Stored, UploadOrder

T = TypeVar("T")

_NANOSECONDS_LIMIT: Final = 1 << 63
_CODINGS: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-][A-Za-z0-9!#$%&'*+.^_`|~, -]{0,99}")


class Receiver(typing.Protocol):
    """Where bytes go: an upload, or a segment of one."""

    def write(self, chunk: bytearray) -> None:
        """Take the next bytes."""

    def abandon(self) -> None:
        """Give up; harmless after the end."""


R = TypeVar("R", bound=Receiver)


async def received(body: UploadBody, begin: Callable[[], R], end: Callable[[R], T]) -> T:
    """What `end` makes of a receiver that has taken the whole body.

    `begin` is called before the first byte is asked for. Whatever fails, the receiver is
    abandoned, and the failure is raised.
    """
    receiver = await in_thread(begin)
    try:
        await _receive_body(body, receiver)
        return await in_thread(end, receiver)
    except BaseException:
        with anyio.CancelScope(shield=True):
            await in_thread(receiver.abandon)
        raise


async def _receive_body(body: UploadBody, receiver: Receiver) -> None:
    """While chunks are hashed and written, the next one is received.

    What goes wrong with one ends the waiting for the other: a client that stalls hears at
    once that its bytes don't fit.
    """
    sending, receiving = anyio.create_memory_object_stream[bytearray](1)
    failures: list[Exception] = []
    async with receiving, anyio.create_task_group() as group:

        async def write() -> None:
            try:
                async for chunk in receiving:
                    await in_thread(receiver.write, chunk)
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


def read_order(request: Request, path: NodePath, *, job_id: str | None = None) -> UploadOrder:
    """What the headers say of the upload. Raises InvalidArgument."""
    headers = request.headers
    return UploadOrder(
        path=path,
        declared_length=declared_length(headers),
        announced=announced_digests(headers),
        media_type=_media_type(headers.get("content-type")),
        encoding=_encoding(headers.get("content-encoding")),
        mtime_ns=_mtime(headers.get(MTIME_HEADER)),
        conditions=upload_conditions(headers),
        job_id=job_id,
    )


def _media_type(value: str | None) -> str | None:
    """What the client says the bytes are, unless it only says how it would send a form.

    That is what curl says of any file by itself.
    """
    is_form = value is not None and value.partition(";")[0].strip().lower() == FORM_TYPE
    return None if is_form else value


def _encoding(value: str | None) -> str | None:
    """How the bytes are packed, which core#encoding tells; they are kept as they come."""
    if value is None or value.strip().lower() == "identity":
        return None
    if _CODINGS.fullmatch(value) is None:
        raise InvalidArgument(f"Content-Encoding names codings, not {value[:40]!r}")
    return value


def _mtime(value: str | None) -> int | None:
    if value is None:
        return None
    digits = value.removeprefix("-")
    if not digits.isascii() or not digits.isdigit() or int(digits[:20]) >= _NANOSECONDS_LIMIT:
        raise InvalidArgument(f"{MTIME_HEADER} is a number of nanoseconds, not {value[:40]!r}")
    return int(value)


def stored_answer(request: Request, stored: Stored, *, status: int) -> Response:
    """The digests of what was stored, and the node itself for those who want it."""
    headers = {"etag": f'"{stored.content.content_id}"', **digest_headers(stored.digests)}
    headers.pop("content-md5", None)
    if JSON_MEDIA_TYPE in request.headers.get("accept", ""):
        body = encode_json(entry_of(stored.view).to_json())
        return document(body, JSON_MEDIA_TYPE, status=status, headers=headers)
    return empty(status, headers)
