"""An HTTP proxy in front of a real server that counts what passes, and fails on request.

It stands where a network stands: tests see what a client asks for (requests, ranges, bytes on
the wire) and make the answers arrive late, torn, wrong or not at all. Everything that it does
not falsify is the real server's answer.
"""

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast

from typing_extensions import override

CHUNK_BYTES = 64 * 1024
HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One request that passed, as it was answered by the server."""

    method: str
    path: str
    byte_range: str | None
    status: int
    answered_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Falsehood:
    """How one answer is falsified; the defaults change nothing.

    `status`, `headers` and `body` replace what the server said; `send_only` cuts the connection
    after that many bytes of the body, or, with `stall_seconds`, stops there for that long;
    `delay_seconds` comes before the first byte.
    """

    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    send_only: int | None = None
    stall_seconds: float = 0.0
    delay_seconds: float = 0.0
    whole_instead_of_range: bool = False
    flip_first_byte: bool = False


TRUTH = Falsehood()
Liar = Callable[[str, str], Falsehood]
"""Given method and path (with query) of a request, how its answer is falsified."""


@dataclass
class _Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _pass_on(self) -> None:
        proxy = cast("_Server", self.server).proxy
        lie = proxy.liar(self.command, self.path)
        length = int(self.headers.get("Content-Length") or 0)
        sent = self.rfile.read(length) if length else self._read_chunked()
        refusal = proxy.refuse(self.command, self.path)
        if refusal is not None:
            self._answer(_Answer(refusal.status or 503, [], b""), refusal)
            return
        answer = self._ask_upstream(proxy, sent, drop_range=lie.whole_instead_of_range)
        proxy.remember(
            Seen(
                method=self.command,
                path=self.path,
                byte_range=self.headers.get("Range"),
                status=answer.status,
                answered_bytes=len(answer.body),
            )
        )
        time.sleep(lie.delay_seconds)
        self._answer(answer, lie)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_PATCH = _pass_on

    def _read_chunked(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return b""
        parts: list[bytes] = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _ask_upstream(self, proxy: "Proxy", sent: bytes, *, drop_range: bool) -> _Answer:
        upstream = http.client.HTTPConnection("127.0.0.1", proxy.upstream_port, timeout=60)
        dropped = HOP_BY_HOP | ({"range"} if drop_range else set())
        headers = {k: v for k, v in self.headers.items() if k.lower() not in dropped}
        headers["Content-Length"] = str(len(sent))
        if self.command in {"GET", "HEAD"} and not sent:
            del headers["Content-Length"]
        try:
            upstream.request(self.command, self.path, body=sent or None, headers=headers)
            response = upstream.getresponse()
            kept = [(k, v) for k, v in response.getheaders() if k.lower() not in HOP_BY_HOP]
            return _Answer(response.status, kept, response.read())
        except OSError:
            self.close_connection = True
            return _Answer(502, [("Content-Type", "text/plain")], b"the server is gone\n")
        finally:
            upstream.close()

    def _answer(self, answer: _Answer, lie: Falsehood) -> None:
        body = answer.body if lie.body is None else lie.body
        if lie.flip_first_byte and body:
            body = bytes([body[0] ^ 0xFF]) + body[1:]
        replaced = {name.lower() for name, _ in lie.headers}
        declared = len(body)
        self.send_response_only(lie.status or answer.status)
        for name, value in answer.headers:
            lowered = name.lower()
            if lowered in replaced or (lowered == "content-length" and self.command != "HEAD"):
                continue
            self.send_header(name, value)
        for name, value in lie.headers:
            self.send_header(name, value)
        if self.command != "HEAD" and answer.status not in {204, 304}:
            self.send_header("Content-Length", str(declared))
        self.end_headers()
        if self.command != "HEAD":
            self._send_body(body, lie)

    def _send_body(self, body: bytes, lie: Falsehood) -> None:
        until = len(body) if lie.send_only is None else lie.send_only
        for start in range(0, min(until, len(body)), CHUNK_BYTES):
            self.wfile.write(body[start : min(start + CHUNK_BYTES, until)])
        if lie.send_only is not None and lie.send_only < len(body):
            self.wfile.flush()
            time.sleep(lie.stall_seconds)
            self.close_connection = True

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, proxy: "Proxy") -> None:
        self.proxy = proxy
        super().__init__(("127.0.0.1", 0), _Handler)

    @override
    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is what half of these tests are about."""


@dataclass
class Proxy:
    """The proxy of a `with` block; `liar` may be replaced at any moment."""

    upstream_port: int
    liar: Liar = field(default=lambda _method, _path: TRUTH)
    # Answered without asking the server, which does not get the request.
    refuse: Callable[[str, str], Falsehood | None] = field(default=lambda _method, _path: None)
    seen: list[Seen] = field(default_factory=list)
    port: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        """The address of the service through the proxy."""
        return f"http://127.0.0.1:{self.port}/vault"

    def remember(self, seen: Seen) -> None:
        """Take down one request."""
        with self._lock:
            self.seen.append(seen)

    def forget(self) -> None:
        """Start counting anew."""
        with self._lock:
            self.seen.clear()

    def tell_the_truth(self) -> None:
        """Stop falsifying."""
        self.liar = lambda _method, _path: TRUTH

    def data_bytes(self) -> int:
        """Bytes of file content that were answered."""
        with self._lock:
            return sum(s.answered_bytes for s in self.seen if is_data(s.path))

    def requests(self, part: str = "") -> int:
        """Requests whose path contains the given text."""
        with self._lock:
            return sum(part in s.path for s in self.seen)


def is_data(path: str) -> bool:
    """Whether a request's path is one that answers with content of files."""
    return path.startswith(("/vault/data/", "/vault/files/", "/api/v1/bundle"))


@contextmanager
def running_proxy(upstream_port: int) -> Iterator[Proxy]:
    """A proxy in front of the port given, on a free port of the loopback address."""
    proxy = Proxy(upstream_port=upstream_port)
    server = _Server(proxy)
    proxy.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
