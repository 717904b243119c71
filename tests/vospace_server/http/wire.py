"""HTTP byte by byte over a socket, for what no client library would send."""

import socket
from dataclasses import dataclass, field

TIMEOUT_SECONDS = 15


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A response as it came."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass(kw_only=True)
class Wire:
    """One connection to 127.0.0.1."""

    port: int
    _buffer: bytes = b""
    _socket: socket.socket = field(init=False)

    def __post_init__(self) -> None:
        self._socket = socket.create_connection(("127.0.0.1", self.port), TIMEOUT_SECONDS)

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._socket.sendall(data)

    def ask(self, method: str, target: bytes, *lines: str, body: bytes = b"") -> Answer:
        """Send a request with raw bytes as its target, and read the answer."""
        head = b"%s %s HTTP/1.1\r\nHost: localhost\r\n" % (method.encode(), target)
        head += b"".join(line.encode() + b"\r\n" for line in lines)
        self.send(head + b"\r\n" + body)
        return self.read()

    def read(self) -> Answer:
        """The next answer; 100 Continue counts as one."""
        head = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in head[1:] if line)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        status = int(head[0].split(" ")[1])
        return Answer(status=status, headers=headers, body=self._body(headers))

    def read_head(self) -> None:
        """Read the head of an answer and leave its body where it is."""
        self._until(b"\r\n\r\n")

    def is_closed_by_server(self) -> bool:
        """Whether nothing more will come."""
        try:
            return not self._buffer and not self._socket.recv(1)
        except ConnectionResetError:
            return True

    def close(self) -> None:
        self._socket.close()

    def _body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding") == "chunked":
            return self._chunked_body()
        return self._exactly(int(headers.get("content-length", "0")))

    def _chunked_body(self) -> bytes:
        body = b""
        while size := int(self._until(b"\r\n").strip(), 16):
            body += self._exactly(size)
            self._exactly(2)
        self._until(b"\r\n")
        return body

    def _exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._receive()
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data

    def _until(self, end: bytes) -> bytes:
        while end not in self._buffer:
            self._receive()
        data, _, self._buffer = self._buffer.partition(end)
        return data

    def _receive(self) -> None:
        received = self._socket.recv(65536)
        if not received:
            raise ConnectionError("the server closed the connection")
        self._buffer += received
