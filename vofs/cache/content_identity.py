"""What names one content, and how its bytes are divided."""

import functools
import hashlib
from dataclasses import dataclass, field
from typing import Final

# Whole contents up to this size are one granule: fetched in one request, kept in one file.
PACKED_BYTES: Final = 128 * 1024
# Otherwise what is fetched is rounded to this. Small, because a random read of 64 KiB must
# not cost twice its bytes: 16 KiB gives 1.25 of them where 64 KiB gives 2.0.
GRANULE_BYTES: Final = 16 * 1024
# Above 16 GiB the granule grows instead of the index.
MAX_GRANULES: Final = 1 << 20
# A file that is listed, fetched, opened and read is identified some ten times.
_MANY: Final = 8192
# What is evicted, and what a time of last use is kept for.
GROUP_BYTES: Final = 4 * 1024 * 1024


def key_of(content_id: str) -> str:
    """The name of a content in the cache directory; any text may be a content id."""
    return hashlib.sha256(content_id.encode("utf-8", "surrogatepass")).hexdigest()[:40]


def _granule_shift(length: int) -> int:
    """The power of two that a granule's size is, for a content of this length."""
    shift = GRANULE_BYTES.bit_length() - 1
    while (length >> shift) >= MAX_GRANULES:
        shift += 1
    return shift


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentIdentity:
    """One immutable content: its id, its length and, where known, the MD5 of all of it."""

    content_id: str
    length: int
    md5: bytes | None
    key: str = field(init=False)
    granule_shift: int = field(init=False)

    def __post_init__(self) -> None:
        """Derive what is asked for on every read."""
        shift = PACKED_BYTES.bit_length() - 1 if self.is_packed else _granule_shift(self.length)
        object.__setattr__(self, "key", key_of(self.content_id))
        object.__setattr__(self, "granule_shift", shift)

    @property
    def is_packed(self) -> bool:
        """Whether it is kept whole in one file."""
        return self.length <= PACKED_BYTES

    @property
    def granule_bytes(self) -> int:
        """The size of every granule but the last."""
        return 1 << self.granule_shift

    @property
    def granules(self) -> int:
        """How many granules there are."""
        return -(-self.length >> self.granule_shift) if self.length else 0

    @property
    def granules_per_group(self) -> int:
        """How many granules are evicted together."""
        return max(1, GROUP_BYTES >> self.granule_shift)

    @property
    def groups(self) -> int:
        """How many groups there are; the last may be short."""
        return -(-self.granules // self.granules_per_group)

    def granules_of(self, offset: int, size: int) -> tuple[int, int]:
        """The granules [first, stop) that a range of at least one byte touches."""
        shift = self.granule_shift
        return offset >> shift, ((offset + size - 1) >> shift) + 1

    def end_of(self, granule_stop: int) -> int:
        """The byte after the last of the granules before `granule_stop`."""
        return min(granule_stop << self.granule_shift, self.length)


@functools.lru_cache(maxsize=_MANY)
def identify(content_id: str, length: int, md5_hex: str | None) -> ContentIdentity:
    """The identity of a content; a digest that is not an MD5 in hexadecimal is unknown."""
    try:
        md5 = bytes.fromhex(md5_hex) if md5_hex else None
    except ValueError:
        md5 = None
    if md5 is not None and len(md5) != hashlib.md5(usedforsecurity=False).digest_size:
        md5 = None
    return ContentIdentity(content_id=content_id, length=length, md5=md5)
