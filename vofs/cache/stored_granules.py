"""What one open content has on the disk, as this process knows it."""

import threading
import time
from typing import Final

from vofs.cache.cache_parts import CacheParts
from vofs.cache.checked_granules import Checked
from vofs.cache.content_identity import ContentIdentity
from vofs.cache.content_store import ContentStore
from vofs.cache.granule_table import GranuleTable

# What another process or an earlier run stored is checked in steps of this many granules.
_STEP_GRANULES: Final = 64
# When the disk hangs in another thread's check, a reader does without after this long.
_PATIENCE_SECONDS: Final = 0.5
_STAMP_SECONDS: Final = 1.0
_WITHOUT_MARKERS: Final = bytes([0] + [1] * 255)


class StoredGranules:
    """Keeps the table of a content in step with its files.

    `epoch` is the shared epoch that the table was last brought up to. A reader takes it before
    its look at the table and compares the shared one with it after its read.
    """

    def __init__(
        self,
        *,
        parts: CacheParts,
        identity: ContentIdentity,
        store: ContentStore | None,
        table: GranuleTable,
    ) -> None:
        self.store = store
        self.epoch = parts.directory.state.epoch()
        self._state = parts.directory.state
        self._checked = parts.checked
        self._key = identity.key
        self._health = parts.health
        self._granules = identity.granules
        self._table = table
        # Held while stored granules are checked: the kernel asks for eight reads at once, and
        # each would check the same mebibyte (694 MB were read for a file of 168).
        self._checking = threading.Lock()
        # When a group's use was last noted; a lost race notes it twice.
        self._stamps: dict[int, float] = {}

    def remember(self) -> None:
        """Keep what was found right for the next who opens the content; it is closed now."""
        fingerprint = self._fingerprint()
        if fingerprint is None:
            return
        # Markers belong to readers who are gone.
        ready = bytes(self._table.ready).translate(_WITHOUT_MARKERS)
        self._checked.put(
            self._key, Checked(ready=ready, epoch=self.epoch, fingerprint=fingerprint)
        )

    def recall(self) -> None:
        """Begin with what was found right before; nobody reads yet."""
        fingerprint = self._fingerprint()
        known = self._checked.take(self._key, fingerprint) if fingerprint else None
        if known is not None and len(known.ready) == self._granules:
            self._table.ready[:] = known.ready
            self.epoch = known.epoch

    def _fingerprint(self) -> tuple[int, int] | None:
        try:
            return self.store.fingerprint() if self.store is not None else None
        except OSError as error:
            self._health.report(error)
            return None

    def is_complete(self) -> bool:
        """Whether all bytes are claimed to be on the disk; OSError when it can't tell."""
        if self.store is None:
            return not self._granules
        self._follow_epoch(self.store)
        if self._table.ready.find(0) < 0:
            return True
        return 0 not in self.store.presence(0, self._granules)

    def look(self, first: int, stop: int) -> None:
        """Take over what other processes stored, and forget what was evicted."""
        if self.store is None:
            return
        stop = max(stop, min(first + _STEP_GRANULES, self._granules))
        try:
            self._follow_epoch(self.store)
            if not self._checking.acquire(timeout=_PATIENCE_SECONDS):
                return
            try:
                self._take_over(self.store, first, stop)
            finally:
                self._checking.release()
        except OSError as error:
            self._health.report(error)

    def touch(self, group: int, *, is_fetch: bool = False) -> None:
        """Note that a group is used, or fetched to be used, at most once in a while."""
        now = time.time()
        if self.store is None or now - self._stamps.get(group, 0.0) < _STAMP_SECONDS:
            return
        if self._health.stalled:
            return
        self._stamps[group] = now
        try:
            self.store.touch(group, now, is_fetch=is_fetch)
        except OSError as error:
            self._health.report(error)

    def _follow_epoch(self, store: ContentStore) -> None:
        epoch = self._state.epoch()
        if epoch == self.epoch:
            return
        with self._table.changed:
            self._table.keep_only(store.presence(0, self._granules))
            self.epoch = epoch

    def _take_over(self, store: ContentStore, first: int, stop: int) -> None:
        """Check the data of granules that the index claims and nobody here has read yet."""
        with self._table.changed:
            runs = list(self._table.unclaimed_runs(first, stop))
        for start, end in runs:
            epoch = self._state.epoch()
            right = store.verified(start, end)
            if not any(right):
                continue
            with self._table.changed:
                if self._state.epoch() != epoch:
                    # What was found right may have been evicted since, and another reader may
                    # have caught up with that: nobody would notice any more.
                    return
                for granule in range(start, end):
                    if right[granule - start]:
                        self._table.mark_ready(granule, granule + 1)
