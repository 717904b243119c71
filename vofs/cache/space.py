"""Whether there is room for more bytes, and the making of room."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from vofs.cache.cache_config import CacheConfig
from vofs.cache.cache_directory import CacheDirectory
from vofs.cache.disk_health import DiskHealth
from vofs.cache.eviction import Evictor
from vofs.cache.statistics import Counters

# Above the high mark the housekeeper frees down to the low one, so that fetches need not wait.
_HIGH: Final = 0.95
_LOW: Final = 0.88
_ATTEMPTS: Final = 3
# A fetch does not wait for a large eviction: it goes on without the disk.
_PATIENCE_SECONDS: Final = 0.25
_FREE_SHARE: Final = 0.05
_MAX_FREE_BYTES: Final = 2 * 1024 * 1024 * 1024


@dataclass(slots=True, kw_only=True)
class Reservation:
    """Whether bytes may be stored, and how many were, which whoever stores them notes."""

    is_granted: bool
    stored_bytes: int = 0


class Space:
    """Counts what is stored before it is, under the limit and above the disk's reserve."""

    def __init__(
        self,
        *,
        config: CacheConfig,
        directory: CacheDirectory,
        health: DiskHealth,
        counters: Counters,
    ) -> None:
        self._limit = config.limit_bytes
        self._directory = directory
        self._evictor = Evictor(directory)
        self._health = health
        self._counters = counters
        self._free_bytes = (
            min(int(directory.disk_bytes() * _FREE_SHARE), _MAX_FREE_BYTES)
            if config.free_disk_bytes is None
            else config.free_disk_bytes
        )
        # Set by the housekeeper: called once when the high mark is passed.
        self.on_high: Callable[[], None] = _do_nothing
        self._trimming = threading.Event()
        # Guards the number below; held for one addition.
        self._lock = threading.Lock()
        # Bytes that were granted and may not be on the disk yet; some of them are, by and by.
        self._pending = 0

    @contextmanager
    def reserved(self, size: int) -> Iterator[Reservation]:
        """Count bytes before they are stored; what is not stored in the end is uncounted."""
        room = Reservation(is_granted=self._try_reserve(size))
        try:
            yield room
        finally:
            if room.is_granted:
                self._settle(size, unused=size - room.stored_bytes)

    def make_room(self, size: int) -> int:
        """Free so many bytes on the disk for something that is not cache; returns how many."""
        return self._count(self._evictor.evict(size))

    def evict_content(self, key: str) -> int:
        """Free all of one content; returns how many bytes that were."""
        return self._count(self._evictor.evict_content(key))

    def trim(self) -> None:
        """Free down to the low mark."""
        try:
            self._count(self._evictor.evict_down_to(int(self._limit * _LOW)))
        finally:
            self._trimming.clear()

    def recount(self) -> None:
        """Correct the count of stored bytes by looking; then keep to the limit."""
        if self._evictor.recount(self._granted) > self._limit:
            self.trim()

    def _try_reserve(self, size: int) -> bool:
        try:
            return self._health.may_store() and self._reserve(size)
        except OSError as error:
            self._health.report(error)
            return False

    def _settle(self, size: int, *, unused: int) -> None:
        try:
            if unused:
                self._directory.state.add_used(-unused)
        except OSError as error:
            self._health.report(error)
        finally:
            self._grant(-size)

    def _grant(self, size: int) -> None:
        with self._lock:
            self._pending += size

    def _granted(self) -> int:
        with self._lock:
            return self._pending

    def _reserve(self, size: int) -> bool:
        if size > self._limit or not self._has_disk_for(size):
            return False
        state = self._directory.state
        for _ in range(_ATTEMPTS):
            # Granted before it is counted and until after it is settled: a recount that runs
            # meanwhile never finds counted what is neither stored nor granted.
            self._grant(size)
            is_reserved = False
            try:
                is_reserved = state.reserve(size, self._limit)
            finally:
                if not is_reserved:
                    self._grant(-size)
            if is_reserved:
                self._note_high()
                return True
            level = int(self._limit * _LOW) - size
            self._count(self._evictor.evict_down_to(level, patience_seconds=_PATIENCE_SECONDS))
        return False

    def _has_disk_for(self, size: int) -> bool:
        lacking = self._free_bytes + self._pending + size - self._directory.available_bytes()
        return lacking <= 0 or self.make_room(lacking) >= lacking

    def _note_high(self) -> None:
        if self._directory.state.used > self._limit * _HIGH and not self._trimming.is_set():
            self._trimming.set()
            self.on_high()

    def _count(self, freed: int) -> int:
        self._counters.add("evicted_bytes", freed)
        return freed


def _do_nothing() -> None:
    return


def rounded(size: int) -> int:
    """What a file of this size takes on a usual disk."""
    block = os.sysconf("SC_PAGE_SIZE")
    return -(-size // block) * block
