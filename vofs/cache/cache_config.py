"""The settings of the cache."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vofs.cache.content_identity import GRANULE_BYTES

_KIB: Final = 1024
_MIB: Final = 1024 * _KIB
_GIB: Final = 1024 * _MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheConfig:
    """Settings of the block cache; several processes may share `directory`."""

    directory: Path
    # Bytes of contents kept on disk; the oldest go when they are passed.
    limit_bytes: int = 20 * _GIB
    # Disk left to others; None is 5 % of the disk, at most 2 GiB.
    free_disk_bytes: int | None = None
    # Threads that fetch: enough to keep a long line busy, few enough to cost nothing.
    workers: int = 8
    # The largest single request.
    request_bytes: int = 8 * _MIB
    # How far a stream is fetched ahead; up to twice this is on its way.
    window_bytes: int = 16 * _MIB
    # The longest that one read waits for its bytes.
    read_seconds: float = 120.0
    # How long a reader leaves a fetch to another process before it reads past the cache.
    patience_seconds: float = 5.0
    # How long after a content became complete its digest is checked.
    check_delay_seconds: float = 1.0
    # Memory for what could not be stored, while the disk is full or failing.
    kept_bytes: int = 32 * _MIB

    @property
    def largest_request(self) -> int:
        """Requests and windows shrink with the limit, so that it is never passed by much."""
        return max(GRANULE_BYTES, min(self.request_bytes, self.limit_bytes // 16))

    @property
    def largest_window(self) -> int:
        """How far a stream is fetched ahead under this limit."""
        return max(GRANULE_BYTES, min(self.window_bytes, self.limit_bytes // 8))
