"""The bounds of a connection, tried with raw bytes on a real server."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from vospace_server.http.connection import HEAD_BYTES, BoundedConnection


class ImpatientConnection(BoundedConnection):
    head_seconds = 0.5


async def hello(_scope: Scope, receive: Receive, send: Send) -> None:
    while (await receive()).get("more_body"):
        pass
    headers = [(b"content-length", b"5")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"hello"})


@pytest.fixture
def port() -> Iterator[int]:
    config = uvicorn.Config(
        hello, port=0, log_config=None, lifespan="off", ws="none", http=ImpatientConnection
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join(10)


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=5)


def answer(connection: socket.socket) -> bytes:
    """All that comes until the server closes or the answer is whole."""
    received = b""
    while not received.endswith(b"hello"):
        try:
            chunk = connection.recv(65536)
        except ConnectionResetError:
            break
        if not chunk:
            break
        received += chunk
    return received


def test_a_request_is_answered_however_it_is_cut_into_pieces(port: int) -> None:
    with connect(port) as connection:
        for byte in b"GET / HTTP/1.1\r\nHost: x\r\n\r\n":
            connection.sendall(bytes([byte]))

        assert answer(connection).startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_head_of_more_than_64_kib_is_refused(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nA: ")
        for _ in range(HEAD_BYTES // 4096 + 1):
            connection.sendall(b"a" * 4096)
            time.sleep(0.002)

        assert answer(connection).startswith(
            b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
        )


def test_a_large_body_is_no_head(port: int) -> None:
    body = b"x" * (4 * HEAD_BYTES)
    head = b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
    with connect(port) as connection:
        connection.sendall(head + body)

        assert answer(connection).endswith(b"hello")


def test_a_slow_body_is_not_cut_by_the_clock_of_the_head(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na")
        time.sleep(0.8)
        connection.sendall(b"b")

        assert answer(connection).endswith(b"hello")


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"\r\n"])
def test_a_head_that_does_not_come_ends_the_connection(port: int, sent: bytes) -> None:
    with connect(port) as connection:
        connection.sendall(sent)
        began = time.monotonic()

        assert answer(connection) == b""
        assert time.monotonic() - began < 3


def test_the_second_head_on_a_connection_has_its_own_clock(port: int) -> None:
    request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    with connect(port) as connection:
        connection.sendall(request)
        assert answer(connection).endswith(b"hello")
        time.sleep(0.8)
        connection.sendall(request)
        assert answer(connection).endswith(b"hello")
        connection.sendall(request[:10])

        assert answer(connection) == b""
