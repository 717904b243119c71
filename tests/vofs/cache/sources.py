"""Contents in memory, and sources of them that count what is asked."""

import random
import threading
import time
from collections.abc import Iterator


class CountedSource:
    """Bytes that never change, and every request for them."""

    def __init__(self, data: bytes, *, seconds: float = 0.0, piece_bytes: int = 65536) -> None:
        self.data = data
        self.seconds = seconds
        self.piece_bytes = piece_bytes
        self.requests: list[tuple[int, int]] = []
        self.failures: list[Exception] = []
        self._lock = threading.Lock()

    @property
    def wire_bytes(self) -> int:
        """Bytes that were asked for."""
        return sum(stop - start for start, stop in self.requests)

    def fetch(self, start: int, stop: int) -> Iterator[bytes]:
        """As the protocol says; fails once for each of the `failures`."""
        with self._lock:
            self.requests.append((start, stop))
            failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure
        for at in range(start, stop, self.piece_bytes):
            time.sleep(self.seconds)
            yield self.data[at : min(at + self.piece_bytes, stop)]


def some_bytes(length: int, seed: int = 0) -> bytes:
    """Bytes without a pattern, always the same for a seed."""
    return random.Random(seed).randbytes(length)
