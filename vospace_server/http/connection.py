"""The wire: uvicorn's HTTP/1.1 connection with the bounds that it lacks.

Neither uvicorn nor its parser limits the size of a request's head or the time it may take, so
a client could hold memory and connections for nothing by sending headers for ever, or by not
reading the answer.
"""

import asyncio
import functools
from typing import Any, cast

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from vospace_server.http.peer_certificate import PeerCertificate
from vospace_server.http.stalled_readers import ReaderWatch

HEAD_BYTES = 64 * 1024
HEAD_SECONDS = 30.0
SEND_SECONDS = 60.0
_TOO_LARGE = 431


def connection_type(*, send_seconds: float) -> type[asyncio.Protocol]:
    """BoundedConnection with a bound of one's own; can be pickled, as workers are given it."""
    made = functools.partial(BoundedConnection, send_seconds=send_seconds)
    return cast("type[asyncio.Protocol]", made)


class BoundedConnection(PeerCertificate, HttpToolsProtocol):
    """Refuses a head of more than 64 KiB (431) and closes on one that takes 30 s.

    Cuts a client that takes nothing of an answer for `send_seconds`.
    """

    head_seconds = HEAD_SECONDS

    def __init__(
        self, *arguments: Any, send_seconds: float = SEND_SECONDS, **options: Any
    ) -> None:
        super().__init__(*arguments, **options)
        self._reader = ReaderWatch(self.loop, idle_seconds=send_seconds)
        self._head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None

    # uvicorn's own signature, narrower than asyncio's; uvloop's transports are no subclasses.
    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The clock of the first head starts before its first byte."""
        super().connection_made(transport)
        self._await_head()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """No clock outlives its connection."""
        self._head_is_complete()
        self._reader.end()
        super().connection_lost(exc)

    @override
    def pause_writing(self) -> None:
        """More is to be sent than the client takes."""
        super().pause_writing()
        self._reader.begin(self.transport)

    @override
    def resume_writing(self) -> None:
        """It has taken most of it; at a close the rest must go as well."""
        if not self.transport.is_closing():
            self._reader.end()
        super().resume_writing()

    @override
    def timeout_keep_alive_handler(self) -> None:
        """A close waits for what the client has not taken, so it must take it."""
        super().timeout_keep_alive_handler()
        self._reader.begin(self.transport)

    @override
    def data_received(self, data: bytes) -> None:
        """Counts what arrives while no request is being answered: that is head."""
        if self._is_idle():
            self._await_head()
        super().data_received(data)
        if self._head_timer is None or self.transport.is_closing():
            return
        self._head_bytes += len(data)
        if self._head_bytes > HEAD_BYTES:
            self._refuse()

    @override
    def on_headers_complete(self) -> None:
        """From here on the application watches over the time."""
        self._head_is_complete()
        super().on_headers_complete()

    def _is_idle(self) -> bool:
        # uvicorn declares that there always is a cycle; before the first request there is none.
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is None or cycle.response_complete

    def _await_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(
                self.head_seconds, self.timeout_keep_alive_handler
            )

    def _head_is_complete(self) -> None:
        self._head_bytes = 0
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _refuse(self) -> None:
        body = b"RequestEntityTooLarge: the head of the request is larger than 64 KiB\n"
        head = b"content-type: text/plain\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
        self.transport.write(STATUS_LINE[_TOO_LARGE] + head % len(body) + body)
        self.transport.close()
