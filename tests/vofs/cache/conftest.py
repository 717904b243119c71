"""Contents in memory that count what is asked of them, and caches that are closed again."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vofs.cache.block_cache import BlockCache
from vofs.cache.cache_config import CacheConfig
from vofs.cache.cached_content import CachedContent


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


def numbered_bytes(length: int, seed: int = 0) -> bytes:
    """Bytes of which each 8 tell their own position and seed."""
    count = -(-length // 8)
    return b"".join(((seed << 40) + at).to_bytes(8, "little") for at in range(count))[:length]


def read(content: CachedContent, source: CountedSource, offset: int, size: int) -> bytes:
    """Read once, as the kernel does."""
    buffer = memoryview(bytearray(size))
    return bytes(buffer[: content.read_into(buffer, offset, source)])


def read_all(content: CachedContent, source: CountedSource, step: int = 131072) -> bytes:
    """Read from the start to the end in the kernel's steps."""
    parts: list[bytes] = []
    position = 0
    while part := read(content, source, position, step):
        parts.append(part)
        position += len(part)
    return b"".join(parts)


CacheMaker = Callable[..., BlockCache]


@pytest.fixture
def make_cache(tmp_path: Path) -> Iterator[CacheMaker]:
    """Makes caches on one directory, one after the other or at once."""
    made: list[BlockCache] = []

    def make(**settings: object) -> BlockCache:
        values: dict[str, object] = {"directory": tmp_path / "cache", "free_disk_bytes": 0}
        cache = BlockCache(CacheConfig(**(values | settings)))  # type: ignore[arg-type]
        made.append(cache)
        return cache

    yield make
    for cache in made:
        cache.close()


@pytest.fixture
def cache(make_cache: CacheMaker) -> BlockCache:
    """A cache with the usual settings."""
    return make_cache()
