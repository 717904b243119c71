"""RemoteFetcher: bytes from and to other hosts, within bounds, past no guard.

Redirects are followed by hand, each judged anew. No proxy, cookie, netrc or other setting of
the environment has a say. Whatever goes wrong on the way is TransferFailed.
"""

import contextlib
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import httpx

from vospace_model.faults import Fault, RequestEntityTooLarge, TransferFailed
from vospace_server.remote.guard import CheckedUrl, Guard

_CHUNK_BYTES: Final = 1 << 20
_GET_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_PUT_REDIRECTS: Final = frozenset({307, 308})
_USER_AGENT: Final = "vospace"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one transfer may take: seconds, bytes (None: no limit but the quota), hops."""

    connect_seconds: float = 10.0
    idle_seconds: float = 60.0
    total_seconds: float = 6 * 3600.0
    max_bytes: int | None = None
    max_redirects: int = 5


class Cutter:
    """Cuts the connection of a transfer, from any thread, whatever it waits for."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._is_cut = False

    def cut(self) -> None:
        """End it now, or as soon as there is a connection."""
        self._is_cut = True
        self._shut()

    def watch(self, event: str, info: dict[str, Any]) -> None:
        """To be told of what httpcore does; learns the socket as soon as there is one."""
        if event == "connection.connect_tcp.complete":
            self._socket = info["return_value"].get_extra_info("socket")
            if self._is_cut:
                self._shut()

    def _shut(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteContent:
    """An answer that has begun: what its head says, and its bytes, to be read once."""

    length: int | None
    media_type: str | None
    chunks: Iterator[bytes]


class RemoteFetcher:
    """Reads and writes URLs. Safe to use from any number of threads."""

    def __init__(
        self, *, guard: Guard, limits: Limits, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._guard = guard
        self._limits = limits
        self._clock = clock
        self._tls = ssl.create_default_context()

    @contextlib.contextmanager
    def read(self, url: str, cutter: Cutter) -> Iterator[RemoteContent]:
        """The bytes behind a URL, as they lie there (no encoding is asked for or undone).

        Raises InvalidArgument for a URL that must not be asked for, RequestEntityTooLarge for
        more bytes than allowed, TransferFailed for everything else; while the chunks are read
        as well.
        """
        deadline = self._clock() + self._limits.total_seconds
        asked = _Asked(method="GET", redirects=_GET_REDIRECTS, cutter=cutter, deadline=deadline)
        with _translated(url), self._client() as client, contextlib.ExitStack() as stack:
            response = self._final(asked, client, stack, url)
            if response.status_code != HTTPStatus.OK:
                raise TransferFailed(f"{_shown(url)} answered {response.status_code}")
            length = _length_of(response)
            self._check_size(length or 0)
            yield RemoteContent(
                length=length,
                media_type=response.headers.get("content-type"),
                chunks=self._chunks(response, deadline),
            )

    def write(
        self,
        url: str,
        body: Callable[[], Iterator[bytes]],
        *,
        length: int,
        media_type: str | None,
        cutter: Cutter,
    ) -> None:
        """PUT bytes to a URL; `body` is asked again for them after a redirect.

        Raises as `read`.
        """
        deadline = self._clock() + self._limits.total_seconds
        headers = {"content-length": str(length)}
        if media_type is not None:
            headers["content-type"] = media_type
        asked = _Asked(
            method="PUT",
            redirects=_PUT_REDIRECTS,
            cutter=cutter,
            deadline=deadline,
            headers=headers,
            body=self._timed(body, deadline),
        )
        with _translated(url), self._client() as client, contextlib.ExitStack() as stack:
            response = self._final(asked, client, stack, url)
            if not response.is_success:
                raise TransferFailed(f"{_shown(url)} answered {response.status_code}")

    def _client(self) -> httpx.Client:
        limits = self._limits
        return httpx.Client(
            verify=self._tls,
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(limits.idle_seconds, connect=limits.connect_seconds),
        )

    def _final(
        self, asked: "_Asked", client: httpx.Client, stack: contextlib.ExitStack, url: str
    ) -> httpx.Response:
        """The answer at the end of all redirects."""
        for _ in range(self._limits.max_redirects + 1):
            checked = self._guard.check(url)
            response = _exchange(asked, client, checked)
            stack.enter_context(contextlib.closing(response))
            self._check_time(asked.deadline)
            location = response.headers.get("location")
            if response.status_code not in asked.redirects or location is None:
                return response
            url = urljoin(url, location)
        raise TransferFailed(f"more than {self._limits.max_redirects} redirects")

    def _chunks(self, response: httpx.Response, deadline: float) -> Iterator[bytes]:
        """Pieces as they come, checked one by one and handed on in larger chunks."""
        received = 0
        gathered = bytearray()
        with _translated(str(response.request.url)):
            # Without a size: httpx would gather until there is enough, however long it takes.
            for piece in response.iter_raw():
                received += len(piece)
                self._check_size(received)
                self._check_time(deadline)
                gathered += piece
                if len(gathered) >= _CHUNK_BYTES:
                    yield bytes(gathered)
                    gathered.clear()
        if gathered:
            yield bytes(gathered)

    def _timed(
        self, body: Callable[[], Iterator[bytes]], deadline: float
    ) -> Callable[[], Iterator[bytes]]:
        def chunks() -> Iterator[bytes]:
            for chunk in body():
                self._check_time(deadline)
                yield chunk

        return chunks

    def _check_size(self, size: int) -> None:
        limit = self._limits.max_bytes
        if limit is not None and size > limit:
            raise RequestEntityTooLarge(f"more than {limit} bytes are not fetched from a URL")

    def _check_time(self, deadline: float) -> None:
        if self._clock() > deadline:
            seconds = self._limits.total_seconds
            raise TransferFailed(f"it took longer than {seconds:g} seconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What is the same at every hop of a transfer."""

    method: str
    redirects: frozenset[int]
    cutter: Cutter
    deadline: float
    headers: dict[str, str] = field(default_factory=dict)
    body: Callable[[], Iterator[bytes]] | None = None


def _exchange(asked: _Asked, client: httpx.Client, checked: CheckedUrl) -> httpx.Response:
    """Ask the first address that lets us connect."""
    failure: Exception | None = None
    for address in checked.addresses:
        request = client.build_request(
            asked.method,
            _pinned(checked, address),
            headers={
                "host": checked.host_header,
                "user-agent": _USER_AGENT,
                "accept": "*/*",
                "accept-encoding": "identity",
                **asked.headers,
            },
            content=None if asked.body is None else asked.body(),
            extensions={"sni_hostname": checked.host, "trace": asked.cutter.watch},
        )
        try:
            return client.send(request, stream=True)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            failure = error
    raise TransferFailed(f"{_shown(checked.url)} can't be reached: {failure}")


def _pinned(checked: CheckedUrl, address: str) -> httpx.URL:
    """The URL with the address that was checked in the place of the name."""
    parts = urlsplit(checked.url)
    literal = f"[{address}]" if ":" in address else address
    path = parts.path or "/"
    query = f"?{parts.query}" if parts.query else ""
    return httpx.URL(f"{checked.scheme}://{literal}:{checked.port}{path}{query}")


def _length_of(response: httpx.Response) -> int | None:
    text = response.headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() else None


@contextlib.contextmanager
def _translated(url: str) -> Iterator[None]:
    try:
        yield
    except Fault:
        raise
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
        raise TransferFailed(f"{_shown(url)}: {str(error) or type(error).__name__}") from error


def _shown(url: str) -> str:
    """A URL for people, without what may be a secret in its query."""
    return url.partition("?")[0][:200]
