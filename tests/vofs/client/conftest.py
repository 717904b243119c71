"""A real HTTP server in a thread that answers as a test says; nothing of it is mocked."""

import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast

import pytest
from typing_extensions import override

from vofs.client.connection import Connection, ConnectionConfig
from vofs.client.retrying_transport import RetryConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer; `cut_after` closes the connection after so many bytes of the body."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    cut_after: int | None = None
    stall_seconds: float = 0.0
    hang_up: bool = False


Script = Callable[[Asked], Reply]


@dataclass
class ScriptedServer:
    """Where it listens, what it was asked, and how it answers."""

    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    script: Script = field(default=lambda _asked: Reply(status=500))

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def replies(self, *replies: Reply) -> None:
        """Answer with these, one after the other; the last one for ever."""
        left = list(replies)

        def script(_asked: Asked) -> Reply:
            return left.pop(0) if len(left) > 1 else left[0]

        self.script = script


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        server = cast("_Server", self.server).scripted
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(method=self.command, path=self.path, headers=headers, body=body)
        server.asked.append(asked)
        reply = server.script(asked)
        if reply.hang_up:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send_response(reply.status)
        for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self._send_body(reply)

    def _send_body(self, reply: Reply) -> None:
        if self.command == "HEAD":
            return
        self.wfile.write(reply.body[: reply.cut_after])
        self.wfile.flush()
        time.sleep(reply.stall_seconds)
        if reply.cut_after is not None:
            self.close_connection = True

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_PATCH = _answer

    @override
    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, scripted: ScriptedServer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.scripted = scripted

    @override
    def handle_error(self, *_arguments: object) -> None:
        """A client that hangs up is part of the tests."""


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """A server that answers as the test says."""
    scripted = ScriptedServer()
    listening = _Server(scripted)
    scripted.port = listening.server_address[1]
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield scripted
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join()


FAST = RetryConfig(
    operation_seconds=3.0,
    connect_seconds=1.0,
    stall_seconds=0.5,
    unreachable_seconds=1.0,
    first_pause_seconds=0.01,
    longest_pause_seconds=0.05,
    attempts=4,
)


@pytest.fixture
def connection() -> Iterator[Connection]:
    """A connection that gives up soon."""
    made = Connection(config=ConnectionConfig(retry=FAST))
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def dead_url() -> Iterator[str]:
    """An address at which nothing listens."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{reserved.getsockname()[1]}"
