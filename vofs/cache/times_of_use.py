"""When something in the cache was last used, and whether that was not its first use.

A large content keeps a stamp per group in its index, negative when it was used again after a
while. A small content has only its file: the time of last use is the file's, and the last bit
of its nanoseconds says the same.
"""

import os
from dataclasses import dataclass
from typing import Final

# Used again means: so long after it was used before. A program that reads a file in pieces, or
# twice in a row, uses it once.
REUSE_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """A time in seconds since 1970, and whether it was one of several uses."""

    used_at: float
    is_reused: bool

    @classmethod
    def from_number(cls, number: float) -> "Stamp":
        """The stamp that a number in an index means."""
        return cls(used_at=abs(number), is_reused=number < 0)

    def number(self) -> float:
        """The number that stands in an index."""
        return -self.used_at if self.is_reused else self.used_at

    def used(self, when: float) -> "Stamp":
        """This stamp after another use."""
        return Stamp(
            used_at=when, is_reused=self.is_reused or when - self.used_at > REUSE_SECONDS
        )

    def fetched(self, when: float) -> "Stamp":
        """This stamp after the bytes came, which is no use yet."""
        return Stamp(used_at=when, is_reused=self.is_reused)


def read_use(status: os.stat_result) -> tuple[float, bool]:
    """When a small content was last used, and whether it was used again."""
    return status.st_mtime, bool(status.st_mtime_ns & 1)


def mark_use(descriptor: int, stamp: Stamp) -> None:
    """Note the use of a small content on its file."""
    nanoseconds = int(stamp.used_at * 1e9) & ~1 | stamp.is_reused
    os.utime(descriptor, ns=(nanoseconds, nanoseconds))
