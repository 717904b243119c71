"""Gives the bytes back that were not used for the longest time.

The unit is a small content, or a group of granules of a large one; an open file may lose old
groups. Before a single byte is given up, the index stops to claim it and the shared epoch
advances: a reader who finds the epoch unchanged after its read has read real bytes.
"""

import fcntl
import logging
import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final

from vofs.cache.cache_directory import WHOLE_CONTENT, CacheDirectory, StoredFile
from vofs.cache.content_identity import ContentIdentity, identify
from vofs.cache.eviction_order import Victim, choose
from vofs.cache.file_ranges import lock_file, punch_hole
from vofs.cache.index_record import IDENTITY_BYTES, presence_of, read_identity
from vofs.cache.sparse_store import IndexLayout

# Data without an index is being made, or was left by a process that died; then it is old.
_STRAY_SECONDS: Final = 600.0
# Another process evicts for us meanwhile; then it is our turn, or there is room.
_WAIT_SECONDS: Final = 2.0
# A count during which something was stored is repeated, at most so often.
_COUNTS: Final = 3

logger = logging.getLogger(__name__)


class Evictor:
    """Evicts from one cache directory on behalf of this process."""

    def __init__(self, directory: CacheDirectory) -> None:
        self._directory = directory
        # No secret depends on it; it only must not follow the programs' own order.
        self._chance = random.Random()  # noqa: S311

    def evict(self, wanted: int) -> int:
        """Free so many bytes, or as many as there are; returns how many were freed."""
        with self._directory.sole_evictor(_WAIT_SECONDS) as alone:
            return self._evict(wanted) if alone else 0

    def evict_down_to(self, level: int, *, patience_seconds: float = _WAIT_SECONDS) -> int:
        """Free until so many bytes are used; returns how many were freed.

        Nothing when somebody else has been evicting for as long as the caller has patience.
        """
        with self._directory.sole_evictor(patience_seconds) as alone:
            # Whoever evicted while we waited may have made room for us, too.
            return self._evict(self._directory.state.used - level) if alone else 0

    def evict_content(self, key: str) -> int:
        """Free all of one content, whether it is pinned or not."""
        with self._directory.sole_evictor(_WAIT_SECONDS) as alone:
            if not alone:
                return 0
            files = list(self._directory.files_of(key))
            return self._give_up(list(self._victims_of(files)))

    def recount(self, granted: Callable[[], int]) -> int:
        """Count what is stored, remove what nothing refers to; returns the bytes stored.

        `granted` tells the bytes that are counted and may not be stored yet: those that this
        process is fetching. What others are fetching just now is taken for missing.
        """
        with self._directory.sole_evictor(_WAIT_SECONDS) as alone:
            if not alone:
                return self._directory.state.used
            self._directory.remove_strays()
            for stray in _strays(list(self._directory.files())):
                with suppress(FileNotFoundError):
                    os.unlink(stray.path)  # noqa: PTH108 -- a path from scandir
            before, stored = self._count(granted)
            for _ in range(_COUNTS):
                if self._directory.state.used == before:
                    break
                before, stored = self._count(granted)
            # As a change, because others may go on storing; what they store during the last
            # count is counted twice then, until the next start.
            self._directory.state.add_used(stored - before)
        return stored

    def _count(self, granted: Callable[[], int]) -> tuple[int, int]:
        """The bytes that were thought to be used before a look, and those that there are.

        Of what is being stored some may be counted twice: rather that than none of it.
        """
        before = self._directory.state.used
        coming = granted()
        return before, coming + sum(file.stored_bytes for file in self._directory.files())

    def _evict(self, wanted: int) -> int:
        pinned = self._directory.pinned_keys()
        files = [file for file in self._directory.files() if file.key not in pinned]
        chosen = choose(
            list(self._victims_of(files)), wanted, now=time.time(), chance=self._chance
        )
        return self._give_up(chosen)

    def _victims_of(self, files: list[StoredFile]) -> Iterator[Victim]:
        """Everything that can go."""
        sizes = {file.key: file.stored_bytes for file in files if file.kind == "data"}
        for file in files:
            if file.kind == "pack":
                yield Victim(
                    key=file.key,
                    kind="pack",
                    group=None,
                    used_at=file.used_at,
                    stored_bytes=file.stored_bytes,
                    is_reused=file.is_reused,
                )
            elif file.kind == "index":
                with suppress(OSError):
                    yield from _groups_of(file, sizes.get(file.key, 0))

    def _give_up(self, victims: list[Victim]) -> int:
        """Unclaim, advance the epoch, free: in this order."""
        freed = 0
        holes: list[tuple[str, int, int]] = []
        for victim in victims:
            with suppress(OSError):
                if victim.kind == "pack":
                    os.unlink(self._directory.path(victim.key, "pack"))  # noqa: PTH108 -- strings: many files
                    freed += victim.stored_bytes
                elif victim.group is None and self._unlink_unused(victim.key):
                    freed += victim.stored_bytes
                else:
                    holes.append((victim.key, victim.group or 0, victim.stored_bytes))
        freed += self._punch(holes)
        self._directory.state.add_used(-freed)
        return freed

    def _unlink_unused(self, key: str) -> bool:
        """Remove both files of a content that no process has open."""
        index = os.open(self._directory.path(key, "index"), os.O_RDWR | os.O_CLOEXEC)
        try:
            if not lock_file(index, fcntl.LOCK_EX, 0.0):
                return False
            for kind in ("data", "index"):
                with suppress(FileNotFoundError):
                    os.unlink(self._directory.path(key, kind))  # noqa: PTH108 -- as above
            return True
        finally:
            os.close(index)

    def _punch(self, holes: list[tuple[str, int, int]]) -> int:
        """Free groups of contents that may be open, here or in other processes."""
        freed = 0
        for key, group, stored_bytes in holes:
            with suppress(OSError):
                freed += self._punch_group(key, group, stored_bytes)
        for key in {key for key, _, _ in holes}:
            with suppress(OSError):
                self._remove_if_empty(key)
        return freed

    def _punch_group(self, key: str, group: int, stored_bytes: int) -> int:
        index = os.open(self._directory.path(key, "index"), os.O_RDWR | os.O_CLOEXEC)
        data = -1
        try:
            data = os.open(self._directory.path(key, "data"), os.O_RDWR | os.O_CLOEXEC)
            identity = _identity_of(index, os.fstat(data).st_size)
            if identity is None:
                return 0
            first = group * identity.granules_per_group
            stop = min(first + identity.granules_per_group, identity.granules)
            # Held by a fetch: it is in use, and its records must not vanish under its hands.
            with self._directory.evicting(key, first, stop) as free:
                if not free:
                    return 0
                IndexLayout(identity).clear_records(index, first, stop)
                self._directory.state.advance_epoch()
                start = first << identity.granule_shift
                punched = punch_hole(data, start, identity.end_of(stop) - start)
            return stored_bytes if punched else 0
        finally:
            os.close(index)
            if data >= 0:
                os.close(data)

    def _remove_if_empty(self, key: str) -> None:
        """Remove the files of a content of which nothing is left and that nobody uses."""
        if os.stat(self._directory.path(key, "data")).st_blocks == 0:  # noqa: PTH116 -- as above
            with self._directory.evicting(key, 0, WHOLE_CONTENT) as free:
                if free:
                    self._unlink_unused(key)


def _identity_of(index: int, length: int) -> ContentIdentity | None:
    """The identity that an index describes, if it fits the length of the data."""
    found = read_identity(os.pread(index, IDENTITY_BYTES, 0))
    if found is None or found[1] != length:
        return None
    return identify(found[0], length, None)


def _groups_of(file: StoredFile, stored_bytes: int) -> Iterator[Victim]:
    """The groups of a large content that hold anything, with their times of use."""
    index = os.open(file.path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        identity = _identity_of(index, _length_of(file))
        if identity is None:
            yield Victim(
                key=file.key,
                kind="sparse",
                group=None,
                used_at=file.used_at,
                stored_bytes=stored_bytes + file.stored_bytes,
            )
            return
        layout = IndexLayout(identity)
        stamps = layout.stamps(index)
        presence = presence_of(layout.records(index, 0, identity.granules))
        for group, stamp in enumerate(stamps):
            first = group * identity.granules_per_group
            claimed = presence[first : first + identity.granules_per_group]
            held = len(claimed) - claimed.count(0)
            if held:
                yield Victim(
                    key=file.key,
                    kind="sparse",
                    group=group if identity.groups > 1 else None,
                    used_at=stamp.used_at,
                    stored_bytes=held << identity.granule_shift,
                    is_reused=stamp.is_reused,
                )
    finally:
        os.close(index)


def _length_of(index_file: StoredFile) -> int:
    """The length of the content, which is that of its data file."""
    return os.stat(index_file.path.removesuffix("index") + "data").st_size  # noqa: PTH116 -- a path from scandir


def _strays(files: list[StoredFile]) -> list[StoredFile]:
    """Old files that nothing refers to: data without an index, and what is not ours."""
    indexed = {file.key for file in files if file.kind == "index"}
    with_data = {file.key for file in files if file.kind == "data"}
    oldest = time.time() - _STRAY_SECONDS
    return [
        file
        for file in files
        if file.used_at < oldest
        and (
            (file.kind == "data" and file.key not in indexed)
            or (file.kind == "index" and file.key not in with_data)
        )
    ]
