"""What the cache asks of the files that hold one content, packed or sparse."""

import errno
from typing import Final, Protocol

# Failures of opening that say "this file is not ours to use": it is removed and made anew.
# Others (EIO, EMFILE, EROFS) speak of the disk or the process, and removing would not help.
UNUSABLE_FILE: Final = frozenset(
    {errno.EACCES, errno.EPERM, errno.EISDIR, errno.ELOOP, errno.EINVAL}
)


class ContentStore(Protocol):
    """The bytes of one content on disk, by granules.

    Every method may raise OSError, which speaks of the disk. Damage of the files does not
    raise: what is damaged is absent. `descriptor` and `base` are where a granule whose
    presence was verified can be read; a descriptor is never closed before `close`.
    """

    descriptor: int
    base: int

    def write(self, first: int, data: memoryview) -> None:
        """Store whole granules from `first` on; they are held by `CacheDirectory.fetching`."""
        ...  # pragma: no cover

    def presence(self, first: int, stop: int) -> bytes:
        """One byte per granule of the range, not zero where it is claimed; nothing verified."""
        ...  # pragma: no cover

    def verified(self, first: int, stop: int) -> bytes:
        """One byte per granule of the range: 1 where the data on disk is right."""
        ...  # pragma: no cover

    def touch(self, group: int, when: float, *, is_fetch: bool) -> None:
        """Note that a group is used, or fetched to be used, at a time since 1970."""
        ...  # pragma: no cover

    def fingerprint(self) -> tuple[int, int] | None:
        """What changes when the data is changed; None where it is not worth remembering."""
        ...  # pragma: no cover

    def is_marked_whole(self) -> bool:
        """Whether the digest of the whole was once found right."""
        ...  # pragma: no cover

    def mark_whole(self) -> None:
        """Note that the digest of the whole is right."""
        ...  # pragma: no cover

    def close(self) -> None:
        """Give the descriptors back; nobody reads any more."""
        ...  # pragma: no cover
