"""What all contents of one cache work with."""

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from vofs.cache.cache_config import CacheConfig
from vofs.cache.cache_directory import CacheDirectory
from vofs.cache.checked_granules import CheckedGranules
from vofs.cache.disk_health import DiskHealth
from vofs.cache.fetch_pool import FetchPool
from vofs.cache.hang_guard import HangGuard
from vofs.cache.housekeeping import Housekeeper
from vofs.cache.space import Space
from vofs.cache.statistics import Counters

# The same wrong bytes twice are not an accident of the line or the disk.
_TIMES_WRONG: Final = 2
_HOPELESS_SECONDS: Final = 15.0


class KeptGranules:
    """Granules that could not be stored, in memory, the latest ones up to a limit of bytes."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        # Guards the two below; held for one look or one change.
        self._lock = threading.Lock()
        self._granules: OrderedDict[tuple[str, int], bytes] = OrderedDict()
        self._bytes = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing is kept, as usual."""
        return not self._granules

    def put(self, key: str, granule: int, data: bytes) -> None:
        """Keep one granule, and forget the oldest for it."""
        with self._lock:
            replaced = self._granules.pop((key, granule), b"")
            self._granules[key, granule] = data
            self._bytes += len(data) - len(replaced)
            while self._bytes > self._limit_bytes:
                self._bytes -= len(self._granules.popitem(last=False)[1])

    def get(self, key: str, granule: int) -> bytes | None:
        """The data of a granule, if it is still kept."""
        with self._lock:
            return self._granules.get((key, granule))


class WrongContents:
    """How often the service gave a content whose bytes do not match its digest."""

    def __init__(self) -> None:
        # Guards the counts; held for one look or one change.
        self._lock = threading.Lock()
        # By key: how often, and when last (monotonic seconds).
        self._times: dict[str, tuple[int, float]] = {}

    def add(self, key: str) -> None:
        """The whole content was wrong, once more."""
        with self._lock:
            times, _ = self._times.get(key, (0, 0.0))
            self._times[key] = (times + 1, time.monotonic())

    def clear(self, key: str) -> None:
        """The whole content was right."""
        with self._lock:
            self._times.pop(key, None)

    def is_hopeless(self, key: str) -> bool:
        """Whether it was wrong so often, and just now, that it is not asked for again."""
        times, last = self._times.get(key, (0, 0.0))
        return times >= _TIMES_WRONG and time.monotonic() - last < _HOPELESS_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheParts:
    """Made once by BlockCache, handed to each content."""

    config: CacheConfig
    directory: CacheDirectory
    space: Space
    pool: FetchPool
    health: DiskHealth
    guard: HangGuard
    counters: Counters
    housekeeper: Housekeeper
    kept: KeptGranules
    wrong: WrongContents
    checked: CheckedGranules
