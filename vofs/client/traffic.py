"""Counts what goes over the wire, for `vofs status` and for the tests that bound it."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
from typing_extensions import override


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficReport:
    """Counts since the mount began; bodies only, without headers."""

    requests: int
    failures: int
    received_bytes: int
    sent_bytes: int
    # Seconds since 1970 of the last failure to reach the service, None if there was none.
    last_failure: float | None


class Traffic:
    """The counters. The lock guards them alone and is held for one addition."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests = 0
        self._failures = 0
        self._received = 0
        self._sent = 0
        self._last_failure: float | None = None

    def requested(self) -> None:
        """A request leaves."""
        with self._lock:
            self._requests += 1

    def failed(self) -> None:
        """The service couldn't be reached or broke off."""
        with self._lock:
            self._failures += 1
            self._last_failure = time.time()

    def received(self, count: int) -> None:
        """So many bytes of a body came."""
        with self._lock:
            self._received += count

    def sent(self, count: int) -> None:
        """So many bytes of a body went."""
        with self._lock:
            self._sent += count

    def report(self) -> TrafficReport:
        """All counters as of now."""
        with self._lock:
            return TrafficReport(
                requests=self._requests,
                failures=self._failures,
                received_bytes=self._received,
                sent_bytes=self._sent,
                last_failure=self._last_failure,
            )


class CountingTransport(httpx.BaseTransport):
    """Wraps a transport: counts each attempt and the bytes of its bodies."""

    def __init__(self, inner: httpx.BaseTransport, traffic: Traffic) -> None:
        self._inner = inner
        self._traffic = traffic

    @override
    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._traffic.requested()
        try:
            response = self._inner.handle_request(request)
        except httpx.TransportError:
            self._traffic.failed()
            raise
        length = request.headers.get("content-length", "")
        self._traffic.sent(int(length) if length.isdigit() else 0)
        assert isinstance(response.stream, httpx.SyncByteStream)
        response.stream = _CountedStream(response.stream, self._traffic)
        return response

    @override
    def close(self) -> None:
        self._inner.close()


class _CountedStream(httpx.SyncByteStream):
    """A body that counts itself as it is read."""

    def __init__(self, inner: httpx.SyncByteStream, traffic: Traffic) -> None:
        self._inner = inner
        self._traffic = traffic

    @override
    def __iter__(self) -> Iterator[bytes]:
        try:
            for piece in self._inner:
                self._traffic.received(len(piece))
                yield piece
        except httpx.TransportError:
            self._traffic.failed()
            raise

    @override
    def close(self) -> None:
        self._inner.close()
