"""Asks a server for as many small things as it can give, over connections that stay open.

`python -m benchmarks.load WHAT PORT HEADER_FILE PATH SECONDS CONNECTIONS` prints the answers
a second as JSON. WHAT is GET, or what is put: CONTAINER, DATA (a node) or FILE (of 1 KiB). `{}`
in PATH becomes a number that is never used twice; `@FILE` stands for the paths in a file, in
turn. Written on bare sockets, because an HTTP library would need more of
the processor than the server does.
"""

from __future__ import annotations

import itertools
import json
import re
import socket
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

_KINDS = {"CONTAINER": "ContainerNode", "DATA": "DataNode"}
RECEIVE_BYTES = 256 * 1024
ANSWER_SECONDS = 10.0
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_FILE = "x" * 1024
_NODE = (
    '<vos:node xmlns:vos="http://www.ivoa.net/xml/VOSpace/v2.0"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    ' uri="vos://localhost~vault{path}" xsi:type="vos:{kind}"/>'
)


class BadAnswer(RuntimeError):  # noqa: N818 - the condition, not the category
    """The server answered something other than success."""


@dataclass(slots=True, kw_only=True)
class Load:
    """What is asked for, and how much of it was answered. The lock guards what is counted."""

    what: str
    port: int
    header: str
    paths: tuple[str, ...]
    deadline: float
    answers: int = 0
    failures: list[str] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> None:
        """Asks over one connection, and notes why it had to stop early, if it had."""
        try:
            self.ask_until_deadline()
        except (OSError, BadAnswer) as failure:
            with self._lock:
                self.failures.append(str(failure))

    def ask_until_deadline(self) -> None:
        """Asks over one connection, one request after the other."""
        answers = 0
        with socket.create_connection(("127.0.0.1", self.port), ANSWER_SECONDS) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while time.monotonic() < self.deadline:
                connection.sendall(self._request())
                _receive_answer(connection)
                answers += 1
        with self._lock:
            self.answers += answers

    def _request(self) -> bytes:
        number = next(self._numbers)
        path = self.paths[number % len(self.paths)].replace("{}", str(number))
        body = self._body(path)
        lines = [
            f"{'PUT' if body else self.what} {path} HTTP/1.1",
            f"Host: 127.0.0.1:{self.port}",
            self.header,
            "Content-Type: " + ("text/plain" if self.what == "FILE" else "text/xml"),
            f"Content-Length: {len(body)}",
        ]
        return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()

    def _body(self, path: str) -> str:
        if self.what == "FILE":
            return _FILE
        if self.what not in _KINDS:
            return ""
        return _NODE.format(path=path.removeprefix("/vault/nodes"), kind=_KINDS[self.what])


def _receive_answer(connection: socket.socket) -> None:
    received = b""
    while b"\r\n\r\n" not in received:
        received += _receive(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    if not head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 201")):
        raise BadAnswer(head.partition(b"\r\n")[0].decode())
    length = _LENGTH.search(head)
    if length is None:
        while not body.endswith(b"0\r\n\r\n"):
            body += _receive(connection)
        return
    remaining = int(length[1]) - len(body)
    while remaining > 0:
        remaining -= len(_receive(connection))


def _receive(connection: socket.socket) -> bytes:
    chunk = connection.recv(RECEIVE_BYTES)
    if not chunk:
        raise BadAnswer("the server closed the connection")
    return chunk


def _paths(word: str) -> tuple[str, ...]:
    if not word.startswith("@"):
        return (word,)
    return tuple(Path(word.removeprefix("@")).read_text(encoding="ascii").split())


def main(words: list[str]) -> None:
    """Runs the load and prints the rate."""
    what, port, header_file, path, seconds, connections = words
    load = Load(
        what=what,
        port=int(port),
        header=Path(header_file).read_text(encoding="ascii").strip(),
        paths=_paths(path),
        deadline=time.monotonic() + float(seconds),
    )
    threads = [threading.Thread(target=load.run) for _ in range(int(connections))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if load.failures:
        sys.exit(f"{len(load.failures)} connections failed: {load.failures[0]}")
    print(json.dumps({"per_second": load.answers / float(seconds)}))


if __name__ == "__main__":
    main(sys.argv[1:])
