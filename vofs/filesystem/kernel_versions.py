"""Which version of a file the kernel holds, so that it never mixes two.

The kernel keeps pages, size and times by inode, and an inode here is a path. When somebody
else replaces a file, three things must not happen: old pages shown as the new file, the new
bytes cut to the old length, and a reader of the old version cut to the length of the new. So a
new version becomes a new inode: the old one is *detached* from its path (kernel/detaching.py),
readers go on with it, and the next look-up of the path makes another.
"""

import threading
import time
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from typing import Final, TypeVar

from cachetools import LRUCache, TTLCache

from vospace_model.api import Entry
from vospace_model.uris import NodePath

Names = tuple[str, ...]
Value = TypeVar("Value")
Detach = Callable[[NodePath, bool], bool]

_MANY: Final = 65_536
# Detaching twice in this time would make open(2) itself fail with ESTALE: the kernel tries
# once more only.
_SETTLED_SECONDS: Final = 1.0


class VersionReplaced(Exception):  # noqa: N818 -- named like the faults that it stands beside
    """The path has a new inode: look it up again. The kernel does so by itself (ESTALE)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheUse:
    """What the kernel is told about its page cache when a file is opened."""

    keep_cache: bool
    direct_io: bool = False


class KernelVersions:
    """Safe for any number of threads; the lock guards all fields and is not held over a wait.

    `detach(path, wait)` gives the path a new inode and tells whether it did; without `wait`
    it only begins to.
    """

    def __init__(self, *, detach: Detach, damage_count: Callable[[], int]) -> None:
        self._detach = detach
        self._damage_count = damage_count
        self._lock = threading.Lock()
        # By path, the content in the page cache, and how often wrong bytes had been found in
        # the block cache when it was loaded: those pages may be wrong too.
        self._loaded: LRUCache[Names, tuple[str | None, int]] = LRUCache(_MANY)
        # Paths of which the kernel may still hold attributes of an older version.
        self._outdated: LRUCache[Names, bool] = LRUCache(_MANY)
        # Open readers on the inode that the path has now, with their entry.
        self._readers: dict[Names, tuple[Entry, int]] = {}
        self._detached: TTLCache[Names, bool] = TTLCache(
            _MANY, _SETTLED_SECONDS, timer=time.monotonic
        )

    def replaced(self, names: Names) -> None:
        """The service has another content there than we knew."""
        with self._lock:
            self._outdated[names] = True

    def shown(self, path: NodePath, entry: Entry) -> Entry:
        """What the kernel may be told of a path: an old version, while readers hold it."""
        names = path.names
        if not self._readers and not self._outdated:
            return entry
        with self._lock:
            reader = self._readers.get(names)
            if reader is None or reader[0].content == entry.content:
                self._outdated.pop(names, None)
                return entry
        self._detach(path, False)
        return reader[0]

    def opening(self, path: NodePath, entry: Entry) -> CacheUse:
        """How a reader may use the page cache; counts the reader.

        Raises VersionReplaced when the path has just been given a new inode for this version.
        """
        names = path.names
        if self._is_other(names, entry) and self._detach(path, True):
            raise VersionReplaced(str(path))
        loading = (entry.content, self._damage_count())
        with self._lock:
            loaded = self._loaded.get(names)
            reader = self._readers.get(names)
            if reader is not None and reader[0].content != entry.content:
                # The inode couldn't be renewed: this reader goes past the page cache.
                return CacheUse(keep_cache=False, direct_io=True)
            count = 0 if reader is None else reader[1]
            self._readers[names] = (entry, count + 1)
            self._loaded[names] = loading
            return CacheUse(keep_cache=loaded == loading)

    def closed(self, path: NodePath, entry: Entry) -> None:
        """A reader that `opening` counted is gone."""
        with self._lock:
            reader = self._readers.get(path.names)
            if reader is None or reader[0].content != entry.content:
                return
            if reader[1] == 1:
                del self._readers[path.names]
            else:
                self._readers[path.names] = (reader[0], reader[1] - 1)

    def written(self, path: NodePath, entry: Entry) -> None:
        """What the kernel has of the path is this version: it went through its pages."""
        loading = (entry.content, self._damage_count())
        with self._lock:
            self._loaded[path.names] = loading
            self._outdated.pop(path.names, None)
            reader = self._readers.get(path.names)
            if reader is not None:
                self._readers[path.names] = (entry, reader[1])

    def detached(self, path: NodePath) -> None:
        """The path has lost its inode: removed, replaced by a rename, or renewed."""
        names = path.names
        with self._lock:
            self._detached[names] = True
            self._loaded.pop(names, None)
            self._outdated.pop(names, None)
            self._readers.pop(names, None)

    def moved(self, old: NodePath, new: NodePath) -> None:
        """The inode of a path has another path now, as have those below it."""
        self.detached(new)
        with self._lock:
            _move_keys(self._loaded, old.names, new.names)
            _move_keys(self._outdated, old.names, new.names)
            _move_keys(self._readers, old.names, new.names)

    def _is_other(self, names: Names, entry: Entry) -> bool:
        """Whether the inode of the path stands for another version than this."""
        with self._lock:
            if names in self._detached:
                return False
            reader = self._readers.get(names)
            if reader is not None and reader[0].content != entry.content:
                return True
            return self._outdated.pop(names, False)


def _move_keys(store: MutableMapping[Names, Value], old: Names, new: Names) -> None:
    """Give all keys that begin with `old` the beginning `new`."""
    depth = len(old)
    for names in [key for key in store if key[:depth] == old]:
        store[(*new, *names[depth:])] = store.pop(names)
