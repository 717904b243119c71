"""The two ways on which ranges of bytes come, behind one small seam.

Bytes are most of what a mount receives, and httpx hands them on in pieces of 64 KiB through
three layers: two to four times the processor time of the standard library's client, measured
in docs/decisions/. So the bytes of our own server, whose addresses are signed and need neither
credentials nor redirects, come by http.client. Everything else goes by httpx.
"""

import contextlib
import http.client
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import urlsplit

from vofs.client.connection import USER_AGENT, Connection
from vofs.client.deadline import Deadline
from vofs.client.errors import MalformedAnswer, TimedOut, Unreachable
from vofs.client.faults import fault_from

_PIECE_BYTES: Final = 256 * 1024
_MAX_FAULT_BYTES: Final = 64 * 1024
_FIRST_ERROR: Final = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeAnswer:
    """An answer that isn't an error: its status, headers in lower case, and its body."""

    status: int
    headers: Mapping[str, str]
    pieces: Iterator[bytes]


class RangeTransport(Protocol):
    """Asks for a range. Errors are those of the client, or the fault of the answer."""

    def get(
        self, url: str, headers: Mapping[str, str], deadline: Deadline
    ) -> contextlib.AbstractContextManager[RangeAnswer]:
        """The answer, whose body is read inside of the block."""


class HttpxRanges:
    """By httpx: with credentials, redirects and proxies."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @contextlib.contextmanager
    def get(
        self, url: str, headers: Mapping[str, str], deadline: Deadline
    ) -> Iterator[RangeAnswer]:
        """The answer, whose body is read inside of the block."""
        with self._connection.stream(
            "GET", url, headers=headers, deadline=deadline
        ) as response:
            yield RangeAnswer(
                status=response.status_code,
                headers=response.headers,
                pieces=response.iter_raw(),
            )


Place = tuple[str, str]


class RawRanges:
    """By http.client, for addresses that carry their own permission.

    A pool of connections by scheme and host; the lock guards it and is never held over I/O.
    """

    def __init__(self, connection: Connection) -> None:
        self._config = connection.config
        self._tls = connection.tls
        self._traffic = connection.traffic
        self._lock = threading.Lock()
        self._idle: dict[Place, list[tuple[float, http.client.HTTPConnection]]] = {}

    @contextlib.contextmanager
    def get(
        self, url: str, headers: Mapping[str, str], deadline: Deadline
    ) -> Iterator[RangeAnswer]:
        """The answer, whose body is read inside of the block.

        A connection is used again only after its body was read to the end.
        """
        parts = urlsplit(url)
        place = (parts.scheme, parts.netloc)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        with _translated(parts.netloc):
            connection, response = self._ask(place, target, headers, deadline)
            try:
                self._refuse_errors(parts.netloc, response)
                yield RangeAnswer(
                    status=response.status,
                    headers={name.lower(): value for name, value in response.getheaders()},
                    pieces=self._pieces(connection, response, deadline),
                )
            except OSError:
                self._traffic.failed()
                raise
            finally:
                self._put_back(place, connection, response)

    def close(self) -> None:
        """Close what is idle."""
        with self._lock:
            idle, self._idle = self._idle, {}
        for connections in idle.values():
            for _, connection in connections:
                connection.close()

    def _ask(
        self, place: Place, target: str, headers: Mapping[str, str], deadline: Deadline
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        """Send the request; once more when an idle connection turns out to be closed."""
        while True:
            connection, is_new = self._take(place, deadline)
            self._traffic.requested()
            try:
                if connection.sock is not None:
                    connection.sock.settimeout(deadline.bound(self._config.retry.stall_seconds))
                connection.request("GET", target, headers={"User-Agent": USER_AGENT, **headers})
                return connection, connection.getresponse()
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                is_closed = isinstance(error, ConnectionError) and not is_new
                if not is_closed:
                    self._traffic.failed()
                    raise

    def _take(
        self, place: Place, deadline: Deadline
    ) -> tuple[http.client.HTTPConnection, bool]:
        oldest = time.monotonic() - self._config.idle_seconds
        with self._lock:
            idle = self._idle.get(place, [])
            while idle:
                since, connection = idle.pop()
                if since >= oldest:
                    return connection, False
                connection.close()
        scheme, netloc = place
        seconds = deadline.bound(self._config.retry.connect_seconds)
        if scheme == "https":
            return (
                http.client.HTTPSConnection(netloc, timeout=seconds, context=self._tls),
                True,
            )
        return http.client.HTTPConnection(netloc, timeout=seconds), True

    def _put_back(
        self,
        place: Place,
        connection: http.client.HTTPConnection,
        response: http.client.HTTPResponse,
    ) -> None:
        # `length` is what is left of the body; read1 doesn't close at its end by itself.
        is_read = response.isclosed() or response.length == 0
        response.close()
        if not is_read or response.will_close:
            connection.close()
            return
        with self._lock:
            self._idle.setdefault(place, []).append((time.monotonic(), connection))

    def _refuse_errors(self, host: str, response: http.client.HTTPResponse) -> None:
        if response.status < _FIRST_ERROR:
            return
        raise fault_from(
            status=response.status,
            headers={name.lower(): value for name, value in response.getheaders()},
            text=response.read(_MAX_FAULT_BYTES).decode("utf-8", "replace"),
            host=host,
        )

    def _pieces(
        self,
        connection: http.client.HTTPConnection,
        response: http.client.HTTPResponse,
        deadline: Deadline,
    ) -> Iterator[bytes]:
        stall = self._config.retry.stall_seconds
        if connection.sock is not None:
            connection.sock.settimeout(min(stall, max(deadline.remaining, 0.001)))
        while piece := response.read(_PIECE_BYTES):
            self._traffic.received(len(piece))
            yield piece


class ChosenRanges:
    """The raw way for signed addresses that no proxy stands before; httpx for the rest."""

    def __init__(self, connection: Connection) -> None:
        self._httpx = HttpxRanges(connection)
        self._raw = RawRanges(connection)
        self._proxies = urllib.request.getproxies()

    def for_address(self, url: str, *, is_signed: bool) -> RangeTransport:
        """Which way to go for an address."""
        parts = urlsplit(url)
        has_proxy = parts.scheme in self._proxies or "all" in self._proxies
        if has_proxy and not urllib.request.proxy_bypass(parts.hostname or ""):
            return self._httpx
        return self._raw if is_signed else self._httpx

    def close(self) -> None:
        """Close what is idle."""
        self._raw.close()


@contextlib.contextmanager
def _translated(host: str) -> Iterator[None]:
    """Turn the standard library's errors into ours."""
    try:
        yield
    except TimeoutError as error:
        raise TimedOut(f"{host} didn't answer in time") from error
    except OSError as error:
        raise Unreachable(f"{host} can't be reached: {error}") from error
    except http.client.IncompleteRead as error:
        raise Unreachable(f"{host} broke off its answer: {error}") from error
    except http.client.HTTPException as error:
        raise MalformedAnswer(f"the answer of {host} can't be used: {error!r}") from error
