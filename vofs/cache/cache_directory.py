"""The folder on disk that one or more mounts share.

```
state                the shared numbers (shared_state.py)
locks                ranges of this file are locked by who fetches or evicts what
eviction             locked by the one process that evicts
content/ab/KEY.pack  a small content, whole: identity, record, data
content/ab/KEY.data  a large content: its bytes at their own offsets, sparse
content/ab/KEY.index identity, times of use, granule records
pins/KEY             a content that is never evicted; the file holds its id
spool/               changes that are not on the server yet (filesystem/spool.py)
temporary/           files on their way to their place
```
"""

import itertools
import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vofs.cache.content_identity import ContentIdentity, key_of
from vofs.cache.file_ranges import locked_file, open_file, try_lock_range, unlock_range
from vofs.cache.shared_state import SharedState
from vofs.cache.times_of_use import read_use

_BLOCK_BYTES: Final = 512  # the unit of st_blocks
# A granule's lock is at (hash of its content, granule); equal hashes only wait for nothing.
_GRANULE_BITS: Final = 21
_HASH_DIGITS: Final = 10
# Whole-content work (checking a digest) locks the granule that no content has.
WHOLE_CONTENT: Final = (1 << _GRANULE_BITS) - 1
# What is left behind by a process that died is old; what is younger belongs to somebody.
_STRAY_SECONDS: Final = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """One file below `content/`: whose it is, which kind, bytes on disk, when it was used."""

    path: str
    key: str
    kind: str
    stored_bytes: int
    used_at: float
    is_reused: bool


class CacheDirectory:
    """Paths, locks and shared numbers of one cache directory; made when it does not exist.

    Raises OSError where the folder can't be made or used.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.spool = root / "spool"
        self._content = root / "content"
        self._pins = root / "pins"
        self._temporary = root / "temporary"
        for folder in (root, self._content, self._pins, self.spool, self._temporary):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._numbers = itertools.count()
        # Two descriptors, because locks taken through one do not exclude each other: an
        # eviction must keep out of the fetches of its own process, too.
        self._fetch_locks = open_file(root / "locks")
        self._eviction_locks = open_file(root / "locks")
        self._eviction = open_file(root / "eviction")
        # Held by the evicting thread of this process, as the file's lock by its process.
        self._evicting = threading.Lock()
        self.state = SharedState(root / "state")

    def path(self, key: str, kind: str) -> str:
        """Where a file of a content is; kind is "pack", "data" or "index"."""
        return f"{self._content}/{key[:2]}/{key}.{kind}"

    def temporary_path(self) -> str:
        """A path that nobody else uses, on the same disk as the contents."""
        return f"{self._temporary}/{os.getpid()}-{time.time_ns()}-{next(self._numbers)}"

    def make_room_for_name(self, path: str) -> None:
        """Make the folder of a content's file."""
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)  # noqa: PTH103, PTH120 -- strings throughout: this runs for every small file

    @contextmanager
    def fetching(self, identity: ContentIdentity, first: int, stop: int) -> Iterator[bool]:
        """Hold granules against other processes' fetches and all evictions, if free."""
        with _locked(self._fetch_locks, _place(identity.key, first), stop - first) as taken:
            yield taken

    @contextmanager
    def evicting(self, key: str, first: int, stop: int) -> Iterator[bool]:
        """Hold granules against all fetches, if they are free."""
        with _locked(self._eviction_locks, _place(key, first), stop - first) as taken:
            yield taken

    @contextmanager
    def sole_evictor(self, seconds: float) -> Iterator[bool]:
        """Be the only one that evicts; yields False while another is at it for so long."""
        if not self._evicting.acquire(timeout=seconds):
            yield False
            return
        try:
            with locked_file(self._eviction, seconds) as taken:
                yield taken
        finally:
            self._evicting.release()

    def files(self) -> Iterator[StoredFile]:
        """Every file below `content/`; those that go meanwhile are left out."""
        for folder in _scan(str(self._content)):
            for entry in _scan(folder.path):
                with suppress(FileNotFoundError):
                    yield _stored(entry.path, entry.stat(follow_symlinks=False))

    def files_of(self, key: str) -> Iterator[StoredFile]:
        """The files of one content."""
        for kind in ("pack", "data", "index"):
            path = self.path(key, kind)
            with suppress(FileNotFoundError):
                yield _stored(path, os.stat(path, follow_symlinks=False))  # noqa: PTH116 -- strings throughout

    def available_bytes(self) -> int:
        """What the disk has left for us."""
        status = os.statvfs(self.root)
        return status.f_bavail * status.f_frsize

    def disk_bytes(self) -> int:
        """The size of the disk."""
        return shutil.disk_usage(self.root).total

    def pin(self, content_id: str) -> None:
        """Keep a content from eviction, now and after restarts."""
        path = self._pins / key_of(content_id)
        path.write_bytes(content_id.encode("utf-8", "surrogatepass"))

    def unpin(self, content_id: str) -> None:
        """Let a content be evicted again."""
        (self._pins / key_of(content_id)).unlink(missing_ok=True)

    def pinned_keys(self) -> frozenset[str]:
        """The keys of all pinned contents."""
        return frozenset(entry.name for entry in _scan(str(self._pins)))

    def pinned_ids(self) -> frozenset[str]:
        """The ids of all pinned contents."""
        return frozenset(
            (self._pins / key).read_bytes().decode("utf-8", "surrogatepass")
            for key in self.pinned_keys()
        )

    def remove_strays(self) -> None:
        """Remove what processes that died left on its way."""
        oldest = time.time() - _STRAY_SECONDS
        for entry in _scan(str(self._temporary)):
            with suppress(FileNotFoundError):
                if entry.stat(follow_symlinks=False).st_mtime < oldest:
                    os.unlink(entry.path)  # noqa: PTH108 -- a path from scandir

    def close(self) -> None:
        """Give all descriptors back."""
        for descriptor in (self._fetch_locks, self._eviction_locks, self._eviction):
            os.close(descriptor)
        self.state.close()


def _stored(path: str, status: os.stat_result) -> StoredFile:
    key, _, kind = path.rpartition("/")[2].partition(".")
    used_at, is_reused = read_use(status)
    return StoredFile(
        path=path,
        key=key,
        kind=kind,
        stored_bytes=status.st_blocks * _BLOCK_BYTES,
        used_at=used_at,
        is_reused=is_reused,
    )


def _place(key: str, first: int) -> int:
    return (int(key[:_HASH_DIGITS], 16) << _GRANULE_BITS) + first


@contextmanager
def _locked(descriptor: int, start: int, length: int) -> Iterator[bool]:
    taken = try_lock_range(descriptor, start, length)
    try:
        yield taken
    finally:
        if taken:
            unlock_range(descriptor, start, length)


def _scan(folder: str) -> list[os.DirEntry[str]]:
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        return list(entries)
    return []
