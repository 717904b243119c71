"""The threads that fetch. Readers only wait for them, so the kernel's threads stay free."""

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Final

# Threads that only work for waiting readers, never for read-ahead.
_KEPT_FREE: Final = 2
# Read-ahead waiting for a thread; more than this and it comes too late to help.
_MAX_QUEUED: Final = 16

logger = logging.getLogger(__name__)


class FetchPool:
    """Runs what readers wait for before what is fetched ahead. Threads start when needed."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        # Guards everything below; workers wait on it for work.
        self._changed = threading.Condition()
        self._urgent: deque[Callable[[], None]] = deque()
        self._ahead: deque[Callable[[], None]] = deque()
        self._idle = 0
        self._running_ahead = 0
        self._threads: list[threading.Thread] = []
        self._closed = False

    def submit(self, work: Callable[[], None]) -> None:
        """Run something that a reader waits for."""
        with self._changed:
            self._urgent.append(work)
            self._wake()

    def submit_ahead(self, work: Callable[[], None]) -> bool:
        """Run something that a reader may want; False when there is enough of that already."""
        with self._changed:
            if self._closed or len(self._ahead) >= _MAX_QUEUED:
                return False
            self._ahead.append(work)
            self._wake()
            return True

    def close(self) -> None:
        """Let the threads end; what is still queued for read-ahead is not run."""
        with self._changed:
            self._closed = True
            self._ahead.clear()
            self._changed.notify_all()

    def _wake(self) -> None:
        # A thread that was woken counts as idle until it runs; its work is still queued, too.
        queued = len(self._urgent) + len(self._ahead)
        if queued <= self._idle:
            self._changed.notify()
        elif len(self._threads) < self._workers:
            number = len(self._threads) + 1
            thread = threading.Thread(
                target=self._work, name=f"vofs-fetch-{number}", daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def _work(self) -> None:
        while True:
            with self._changed:
                taken = self._take()
            if taken is None:
                return
            work, is_ahead = taken
            try:
                work()
            except Exception:
                logger.exception("cache: a fetch ended in an error of ours")
            with self._changed:
                self._running_ahead -= is_ahead

    def _take(self) -> tuple[Callable[[], None], bool] | None:
        """The next piece of work and whether it is read-ahead; None at the end."""
        while True:
            if self._urgent:
                return self._urgent.popleft(), False
            if self._ahead and self._running_ahead < self._workers - _KEPT_FREE:
                self._running_ahead += 1
                return self._ahead.popleft(), True
            if self._closed:
                return None
            self._idle += 1
            self._changed.wait()
            self._idle -= 1
