"""Whether the cache's disk can be used just now; reads go on without it when it can't."""

import logging
import os
import threading
import time
from pathlib import Path
from typing import Final

# After a failure the disk is left alone for a while, then tried again.
_PAUSE_SECONDS: Final = 5.0
_BEAT_SECONDS: Final = 0.5
# A disk that takes longer than this for a look at itself hangs.
_STALL_SECONDS: Final = 1.5

logger = logging.getLogger(__name__)


class DiskHealth:
    """Notes failures of the disk, one log line per episode, and watches for a hanging one.

    `stalled` is read on every read without a lock: while it is set, nobody touches the disk.
    """

    def __init__(self, root: Path) -> None:
        self.stalled = False
        self._root = root
        # Guards the fields below against reports from many threads.
        self._lock = threading.Lock()
        self._resume_at = 0.0
        self._failing: str | None = None
        self.failures = 0
        self._beat_began: float | None = None
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def may_store(self) -> bool:
        """Whether to try to write to the disk."""
        return not self.stalled and time.monotonic() >= self._resume_at

    def report(self, error: OSError) -> None:
        """Note that the disk refused something; the caller goes on without it."""
        reason = error.strerror or str(error)
        with self._lock:
            self.failures += 1
            self._resume_at = time.monotonic() + _PAUSE_SECONDS
            is_news = self._failing != reason
            self._failing = reason
        if is_news:
            logger.warning("cache: reading without %s for now: %s", self._root, reason)

    def recovered(self) -> None:
        """Note that something was stored."""
        if self._failing is None:
            return
        with self._lock:
            self._failing = None
        logger.info("cache: %s is usable again", self._root)

    def start(self) -> None:
        """Begin to watch; to be called after the process has forked, any number of times."""
        with self._lock:
            if self._threads:
                return
            self._threads = [
                threading.Thread(target=work, name=f"vofs-disk-{name}", daemon=True)
                for name, work in (("beat", self._beat), ("watch", self._watch))
            ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop watching; a thread that hangs with the disk is left behind."""
        self._stop.set()

    def _beat(self) -> None:
        """Look at the disk again and again; this thread hangs when the disk does."""
        while not self._stop.wait(_BEAT_SECONDS):
            self._beat_began = time.monotonic()
            try:
                os.statvfs(self._root)
            except OSError as error:
                self.report(error)
            self._beat_began = None

    def _watch(self) -> None:
        """See whether the other thread hangs."""
        while not self._stop.wait(_BEAT_SECONDS):
            began = self._beat_began
            hangs = began is not None and time.monotonic() - began > _STALL_SECONDS
            if hangs and not self.stalled:
                logger.warning("cache: reading without %s for now: it hangs", self._root)
            self.stalled = hangs
