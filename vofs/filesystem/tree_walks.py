"""Notices that a program walks a tree, so that the rest is asked for in one request."""

import threading
import time
from dataclasses import dataclass
from typing import Final

from cachetools import TTLCache

Names = tuple[str, ...]

_MANY: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkConfig:
    """When a walk is one."""

    # Sibling folders that are listed within this time belong to one walk.
    window_seconds: float = 5.0
    # The second sibling makes it a walk.
    siblings: int = 2
    # A subtree larger than this is listed folder by folder after all.
    max_nodes: int = 50_000
    # For how long a subtree is known to be too large.
    too_large_seconds: float = 300.0


class TreeWalks:
    """Counts listings of siblings. The lock guards both stores."""

    def __init__(self, config: WalkConfig) -> None:
        self.config = config
        self._lock = threading.Lock()
        self._listed: TTLCache[Names, set[str]] = TTLCache(
            _MANY, config.window_seconds, timer=time.monotonic
        )
        self._too_large: TTLCache[Names, bool] = TTLCache(
            _MANY, config.too_large_seconds, timer=time.monotonic
        )

    def root_of(self, folder: Names) -> Names | None:
        """The folder whose whole subtree should be listed instead of `folder` alone, if any.

        It is the parent, once a second of its folders is listed; where the parent has proved
        too large, it is the folder itself.
        """
        if not folder:
            return None
        parent = folder[:-1]
        with self._lock:
            siblings = self._listed.get(parent, set()) | {folder[-1]}
            self._listed[parent] = siblings
            if len(siblings) < self.config.siblings:
                return None
            if parent not in self._too_large:
                return parent
            return None if folder in self._too_large else folder

    def proved_too_large(self, root: Names) -> None:
        """The subtree of `root` has more than `max_nodes`."""
        with self._lock:
            self._too_large[root] = True
