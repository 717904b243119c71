"""RangedFile: a stored object as astropy reads it, fetching little more than what is needed."""

import io
import socket
from typing import Final

from typing_extensions import Buffer, override

from vospace_server.fits.messages import (
    READ_REQUEST,
    ConversationEndedError,
    Kind,
    receive_frame,
    send_frame,
)

# A header is one or more of 2880 bytes; most fit into this.
SMALL_BYTES: Final = 4 * 2880
# Reading on over a gap of less than this costs less than another request.
GAP_BYTES: Final = 32 << 10
LARGE_BYTES: Final = 1 << 20


class RangedFile(io.RawIOBase):
    """A file whose bytes are asked for over a socket.

    While reads go forward with small gaps, as the rows of a section do, each request fetches
    twice as much as the one before, up to LARGE_BYTES; a jump begins anew with little.
    """

    def __init__(self, connection: socket.socket, length: int) -> None:
        self._connection = connection
        self._length = length
        self._offset = 0
        self._held = b""
        self._held_from = 0
        self._ahead_bytes = SMALL_BYTES

    @override
    def readable(self) -> bool:
        return True

    @override
    def seekable(self) -> bool:
        return True

    @override
    def tell(self) -> int:
        return self._offset

    @override
    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._offset, io.SEEK_END: self._length}[whence]
        self._offset = max(0, base + offset)
        return self._offset

    @override
    def read(self, size: int = -1) -> bytes:
        """All of so many bytes, fewer only at the end."""
        stop = self._length if size < 0 else self._offset + size
        stop = min(stop, self._length)
        pieces: list[bytes] = []
        while self._offset < stop:
            piece = self._piece(stop)
            pieces.append(piece)
            self._offset += len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    @override
    def readinto(self, buffer: Buffer) -> int:
        view = memoryview(buffer).cast("B")
        content = self.read(len(view))
        view[: len(content)] = content
        return len(content)

    def _piece(self, stop: int) -> bytes:
        """One or more of the bytes up to stop, beginning at the present offset."""
        start = self._offset - self._held_from
        if not 0 <= start < len(self._held):
            self._fetch(stop)
            start = 0
        return self._held[start : stop - self._held_from]

    def _fetch(self, stop: int) -> None:
        gap = self._offset - self._held_from - len(self._held)
        forward = bool(self._held) and 0 <= gap < GAP_BYTES
        self._ahead_bytes = min(2 * self._ahead_bytes, LARGE_BYTES) if forward else SMALL_BYTES
        size = min(max(stop - self._offset, self._ahead_bytes), self._length - self._offset)
        size = min(size, 8 * LARGE_BYTES)
        send_frame(self._connection, Kind.READ, READ_REQUEST.pack(self._offset, size))
        kind, content = receive_frame(self._connection)
        if kind is not Kind.BYTES or len(content) != size:
            raise ConversationEndedError("the server has no more bytes")
        self._held, self._held_from = content, self._offset
