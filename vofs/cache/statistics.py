"""What the cache has done and holds, in numbers."""

import threading
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheStatistics:
    """One look at the cache. Counts are since the start of this process; sizes are bytes.

    `stored_bytes` is shared with the other processes on the directory; `hits` may miss a few
    that several threads counted at once.
    """

    hits: int
    misses: int
    requests: int
    wire_bytes: int
    evicted_bytes: int
    errors: int
    damaged_contents: int
    open_contents: int
    stored_bytes: int
    limit_bytes: int
    is_degraded: bool

    @property
    def hit_rate(self) -> float:
        """The share of reads that needed no wait, 0 to 1."""
        reads = self.hits + self.misses
        return self.hits / reads if reads else 0.0


class Counters:
    """What is counted off the hot path, exactly."""

    __slots__ = (
        "_lock",
        "closed_hits",
        "damaged_contents",
        "errors",
        "evicted_bytes",
        "misses",
        "requests",
        "wire_bytes",
    )

    def __init__(self) -> None:
        # Guards the numbers against lost updates; held for one addition.
        self._lock = threading.Lock()
        self.closed_hits = 0
        self.damaged_contents = 0
        self.errors = 0
        self.evicted_bytes = 0
        self.misses = 0
        self.requests = 0
        self.wire_bytes = 0

    def add(self, name: str, amount: int = 1) -> None:
        """Add to one of the numbers, by its name."""
        with self._lock:
            setattr(self, name, getattr(self, name) + amount)
