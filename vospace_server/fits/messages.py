"""What the server and its worker say to each other: frames on a socket.

    server:  JOB {parameters, name, length}, and BYTES for every READ
    worker:  READ offset size ..., HEAD {status, ...}, READ and DATA ..., END
             or, at any time, FAULT {name, detail}

The worker has no other way to bytes or to anything else than this socket.
"""

import enum
import socket
import struct
from typing import Final

_HEADER: Final = struct.Struct("!cI")
READ_REQUEST: Final = struct.Struct("!QI")
# Far above what either side sends; a worker that has gone mad can't fill the server's memory.
MAX_FRAME_BYTES: Final = 64 << 20


class Kind(enum.Enum):
    """What a frame is."""

    JOB = b"J"
    BYTES = b"B"
    READ = b"R"
    HEAD = b"H"
    DATA = b"D"
    END = b"Z"
    FAULT = b"F"


class ConversationEndedError(Exception):
    """The other side has closed the socket, or said something impossible."""


def send_frame(
    connection: socket.socket, kind: Kind, payload: bytes | memoryview = b""
) -> None:
    """Send one frame whole. Raises OSError."""
    connection.sendall(_HEADER.pack(kind.value, len(payload)))
    if payload:
        connection.sendall(payload)


def receive_frame(connection: socket.socket) -> tuple[Kind, bytes]:
    """The next frame. Raises ConversationEndedError, and OSError (TimeoutError is one)."""
    value, length = _HEADER.unpack(_receive(connection, _HEADER.size))
    try:
        kind = Kind(value)
    except ValueError:
        raise ConversationEndedError(f"{value!r} is no kind of frame") from None
    if length > MAX_FRAME_BYTES:
        raise ConversationEndedError(f"a frame of {length} bytes")
    return kind, _receive(connection, length)


def _receive(connection: socket.socket, length: int) -> bytes:
    received = bytearray(length)
    rest = memoryview(received)
    while rest:
        count = connection.recv_into(rest)
        if count == 0:
            raise ConversationEndedError("the socket was closed")
        rest = rest[count:]
    return bytes(received)
