import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from benchmarks.wire import counted_wire

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
REQUEST = b"GET /file HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def answering_port() -> Iterator[int]:
    """A server that gives ANSWER for everything that it receives."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            # Whoever measured has seen enough, and may be gone before the last answer.
            with connection, suppress(ConnectionResetError):
                while connection.recv(65536):
                    connection.sendall(ANSWER)

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]


def exchange(connection: socket.socket) -> bytes:
    connection.sendall(REQUEST)
    received = b""
    while len(received) < len(ANSWER):
        received += connection.recv(65536)
    return received


def test_the_relay_counts_bytes_both_ways_and_requests(answering_port: int) -> None:
    with counted_wire(answering_port) as wire:
        with socket.create_connection(("127.0.0.1", wire.port), 5) as connection:
            answers = [exchange(connection) for _ in range(3)]
        counts = wire.counts()

    assert answers == [ANSWER] * 3
    assert counts.bytes_up == 3 * len(REQUEST)
    assert counts.bytes_down == 3 * len(ANSWER)
    assert (counts.connections, counts.requests) == (1, 3)


def test_a_far_server_answers_after_a_round_trip_and_connects_after_another(
    answering_port: int,
) -> None:
    with (
        counted_wire(answering_port, round_trip_seconds=0.1) as wire,
        socket.create_connection(("127.0.0.1", wire.port), 5) as connection,
    ):
        started = time.monotonic()
        exchange(connection)
        connected = time.monotonic()
        exchange(connection)
        ended = time.monotonic()

    assert connected - started >= 0.2
    assert ended - connected >= 0.1


def test_delay_does_not_limit_the_rate(answering_port: int) -> None:
    amount = 32_000_000
    with (
        counted_wire(answering_port, round_trip_seconds=0.1) as wire,
        socket.create_connection(("127.0.0.1", wire.port), 5) as connection,
    ):
        started = time.monotonic()
        connection.sendall(b"x" * amount)
        while wire.counts().bytes_up < amount:
            time.sleep(0.01)

        # 122 chunks that each waited for the one before would take 6 s.
        assert time.monotonic() - started < 4.0
