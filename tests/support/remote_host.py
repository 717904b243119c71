"""Another host, as far as a server can tell: real HTTP on 127.0.0.1, with moods."""

import socket
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from typing_extensions import override


@dataclass
class RemoteHost:
    """Serves what a test puts into `files`; what is PUT arrives in `received`.

    Paths with a meaning: `/redirect?URL` (302), `/again?URL` (307), `/loop`, `/slow` (a byte
    now and then until the client goes), `/stall` (a head, then nothing), `/silent` (nothing),
    `/short` (fewer bytes than announced), `/endless` (never ends), `/unknown` (chunked),
    `/status?CODE`.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    received: dict[str, bytes] = field(default_factory=dict)
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    cut: threading.Event = field(default_factory=threading.Event)
    reached: threading.Event = field(default_factory=threading.Event)
    _closing: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        host = self

        class Handler(_Handler):
            remote = host

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def url(self, path: str) -> str:
        """The address of a path."""
        return f"http://127.0.0.1:{self.port}{path}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait(self, seconds: float) -> bool:
        """Let time pass; true when the host is being closed."""
        return self._closing.wait(seconds)


class _Handler(BaseHTTPRequestHandler):
    remote: RemoteHost
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._note()
        path, _, query = self.path.partition("?")
        mood = getattr(self, f"_{path.strip('/')}", None)
        try:
            if mood is not None:
                mood(query)
            elif path in self.remote.files:
                self._send(200, self.remote.files[path])
            else:
                self._send(404, b"no such file")
        except OSError:
            self.remote.cut.set()

    def do_PUT(self) -> None:
        self._note()
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers["content-length"]))
        if path == "/again":
            self._redirect(query)
        elif path == "/status":
            self._send(int(query), b"")
        elif path == "/redirect":
            self._redirect(query)
        else:
            self.remote.received[path] = body
            self._send(201, b"")

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def _note(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.remote.requests.append((self.command, self.path, headers))
        self.remote.reached.set()

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "application/fits")
        self.end_headers()
        self.wfile.write(body)

    def _redirect(self, url: str) -> None:
        status = 307 if self.path.startswith("/again") else 302
        self.send_response(status)
        self.send_header("Location", url)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _again(self, url: str) -> None:
        self._redirect(url)

    def _loop(self, _query: str) -> None:
        self._redirect("/loop")

    def _status(self, code: str) -> None:
        self._send(int(code), b"")

    def _head(self, length: int) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.flush()

    def _slow(self, _query: str) -> None:
        self._head(10**9)
        while not self.remote.wait(0.02):
            self.wfile.write(b"x")
            self.wfile.flush()

    def _stall(self, _query: str) -> None:
        self._head(10)
        self._until_gone()

    def _silent(self, _query: str) -> None:
        self._until_gone()

    def _short(self, _query: str) -> None:
        self._head(100)
        self.wfile.write(b"only these")
        self.close_connection = True

    def _endless(self, _query: str) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        block = b"%x\r\n%s\r\n" % (1 << 16, b"e" * (1 << 16))
        while not self.remote.wait(0):
            self.wfile.write(block)

    def _unknown(self, _query: str) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"5\r\nhello\r\n0\r\n\r\n")

    def _until_gone(self) -> None:
        """Send nothing until the client hangs up."""
        self.connection.settimeout(0.05)
        while not self.remote.wait(0):
            try:
                if not self.connection.recv(1):
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        self.remote.cut.set()
        self.close_connection = True


def closed_port() -> int:
    """A port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])
