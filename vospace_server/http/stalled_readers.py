"""Readers that stay connected and take nothing: each would hold an open object for ever.

What counts is that something moves, not how fast: bytes that leave our buffer, or that the
other side has acknowledged. So a slow reader may take days, and one that has stopped may not.
"""

import array
import asyncio
import fcntl
import termios
from typing import Final

# So often within the time that a reader may stand still it is looked whether it does.
_LOOKS: Final = 4


class ReaderWatch:
    """Cuts one connection when nothing moves for some seconds. Only for the event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, idle_seconds: float) -> None:
        self._loop = loop
        self._idle_seconds = idle_seconds
        self._timer: asyncio.TimerHandle | None = None
        self._unsent = 0
        self._moved = 0.0

    def begin(self, transport: asyncio.Transport) -> None:
        """From now on something must move, until `end`; harmless to repeat."""
        if self._timer is None:
            self._unsent, self._moved = _unsent_bytes(transport), self._loop.time()
            self._look_later(transport)

    def end(self) -> None:
        """Nothing waits for the reader any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look_later(self, transport: asyncio.Transport) -> None:
        pause = self._idle_seconds / _LOOKS
        self._timer = self._loop.call_later(pause, self._look, transport)

    def _look(self, transport: asyncio.Transport) -> None:
        unsent, now = _unsent_bytes(transport), self._loop.time()
        if unsent != self._unsent:
            self._unsent, self._moved = unsent, now
        elif now - self._moved >= self._idle_seconds:
            self._timer = None
            transport.abort()
            return
        self._look_later(transport)


def _unsent_bytes(transport: asyncio.Transport) -> int:
    """What is in our buffer, and what the kernel holds because nobody has taken it."""
    buffered = transport.get_write_buffer_size()
    connection = transport.get_extra_info("socket")
    if connection is None:
        return buffered
    held = array.array("i", [0])
    try:
        fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, held)
    except OSError:
        return buffered
    return buffered + held[0]
