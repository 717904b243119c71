"""Caches that are closed again, and reading from them as the kernel does."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.vofs.cache.sources import CountedSource
from vofs.cache.block_cache import BlockCache
from vofs.cache.cache_config import CacheConfig
from vofs.cache.cached_content import CachedContent


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
