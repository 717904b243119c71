"""Repeats what may be repeated: a decorator around a transport, as nothing else retries."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import httpx
from typing_extensions import override

from vofs.client.deadline import Deadline
from vofs.client.errors import TimedOut

# RFC 9110 9.2.2. An upload is a PUT, but it looks after itself (uploads.py): its body may be
# gone, and its conditions may have been met by the attempt that seemed to fail.
_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "DELETE"})
_PASSING = frozenset(
    {
        httpx.codes.REQUEST_TIMEOUT,
        httpx.codes.TOO_MANY_REQUESTS,
        httpx.codes.BAD_GATEWAY,
        httpx.codes.SERVICE_UNAVAILABLE,
        httpx.codes.GATEWAY_TIMEOUT,
    }
)
# The request never reached anybody, so any method may be sent again.
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryConfig:
    """How long and how patiently an operation tries."""

    # Everything that one operation does has to fit in here.
    operation_seconds: float = 60.0
    # Making a connection, to an address that doesn't answer.
    connect_seconds: float = 10.0
    # A connection on which nothing moves for so long is given up.
    stall_seconds: float = 20.0
    # An operation that can't even connect fails sooner: the disk must not feel hung.
    unreachable_seconds: float = 15.0
    first_pause_seconds: float = 0.2
    longest_pause_seconds: float = 5.0
    attempts: int = 6


class RetryingTransport(httpx.BaseTransport):
    """Wraps a transport; every wait is bounded by the deadline that the request carries.

    A request may carry `extensions["deadline"]`. With `extensions["whole"]` the body is read
    here, so that an answer that breaks off is asked for again like one that never came.
    """

    def __init__(
        self,
        inner: httpx.BaseTransport,
        config: RetryConfig,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._inner = inner
        self._config = config
        self._sleep = sleep

    @override
    def handle_request(self, request: httpx.Request) -> httpx.Response:
        deadline = request.extensions.get("deadline") or Deadline(
            self._config.operation_seconds
        )
        patience = Deadline(self._config.unreachable_seconds)
        attempt = 0
        while True:
            attempt += 1
            try:
                response = self._attempt(request, deadline)
            except httpx.TransportError as error:
                impatient = isinstance(error, _NEVER_SENT) and patience.expired
                if (
                    attempt >= self._config.attempts
                    or impatient
                    or not may_repeat(request, error)
                ):
                    raise
                self._pause(attempt, deadline, asked=0.0, cause=error)
                continue
            if not self._should_wait(request, response, attempt, deadline):
                return response
            asked = retry_after_seconds(response)
            response.close()
            self._pause(attempt, deadline, asked=asked, cause=None)

    @override
    def close(self) -> None:
        self._inner.close()

    def _attempt(self, request: httpx.Request, deadline: Deadline) -> httpx.Response:
        stall = deadline.bound(self._config.stall_seconds)
        connect = deadline.bound(self._config.connect_seconds)
        request.extensions = {
            **request.extensions,
            "timeout": {"connect": connect, "read": stall, "write": stall, "pool": stall},
        }
        response = self._inner.handle_request(request)
        if not request.extensions.get("whole"):
            return response
        try:
            response.read()
        finally:
            response.close()
        return response

    def _should_wait(
        self, request: httpx.Request, response: httpx.Response, attempt: int, deadline: Deadline
    ) -> bool:
        if response.status_code not in _PASSING or attempt >= self._config.attempts:
            return False
        if request.method not in _IDEMPOTENT:
            return False
        return retry_after_seconds(response) < deadline.remaining

    def _pause(
        self, attempt: int, deadline: Deadline, *, asked: float, cause: Exception | None
    ) -> None:
        grown = self._config.first_pause_seconds * 2 ** (attempt - 1)
        pause = max(asked, min(grown, self._config.longest_pause_seconds))
        # Many mounts that lost one server must not come back in step.
        pause *= 1 + random.random() / 4  # noqa: S311 -- no secret depends on it
        if pause >= deadline.remaining:
            if cause is not None:
                raise cause
            raise TimedOut("the service asks to wait longer than the operation may take")
        self._sleep(pause)


def may_repeat(request: httpx.Request, error: httpx.TransportError) -> bool:
    """Whether the request can be sent again after this failure without being done twice."""
    return request.method in _IDEMPOTENT or isinstance(error, _NEVER_SENT)


def retry_after_seconds(response: httpx.Response) -> float:
    """The pause that the answer asks for (RFC 9110 10.2.3), 0 when it asks for none."""
    asked = response.headers.get("retry-after", "").strip()
    if asked.isdigit():
        return float(asked)
    if not asked:
        return 0.0
    try:
        until = parsedate_to_datetime(asked)
    except ValueError:
        return 0.0
    return max(0.0, until.timestamp() - time.time())
