"""The one thread for what no reader waits for: counting, trimming, checking digests."""

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable

logger = logging.getLogger(__name__)


class Housekeeper:
    """Runs jobs one after the other. The thread starts with the first job, after any fork."""

    def __init__(self) -> None:
        # Guards everything below; the thread waits on it for work.
        self._changed = threading.Condition()
        # When each job is due, and a number that keeps those of one moment in order.
        self._jobs: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._thread: threading.Thread | None = None
        self._is_closing = False

    def submit(self, job: Callable[[], None], *, after_seconds: float = 0.0) -> None:
        """Run a job some time, not before so many seconds; what it raises is logged."""
        due = time.monotonic() + after_seconds
        with self._changed:
            heapq.heappush(self._jobs, (due, next(self._numbers), job))
            self._changed.notify()
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._work, name="vofs-housekeeping", daemon=True
                )
                self._thread.start()

    def close(self, seconds: float) -> None:
        """Finish what is queued, due or not, waiting at most so long."""
        with self._changed:
            self._is_closing = True
            self._changed.notify()
            thread = self._thread
        if thread is not None:
            thread.join(seconds)

    def _work(self) -> None:
        while (job := self._next()) is not None:
            try:
                job()
            except OSError as error:
                logger.warning("cache: housekeeping failed: %s", error)
            except Exception:
                logger.exception("cache: housekeeping failed")

    def _next(self) -> Callable[[], None] | None:
        """The next job when it is due; None at the end."""
        with self._changed:
            while True:
                if not self._jobs:
                    if self._is_closing:
                        return None
                    self._changed.wait()
                    continue
                early = self._jobs[0][0] - time.monotonic()
                if early <= 0 or self._is_closing:
                    return heapq.heappop(self._jobs)[2]
                self._changed.wait(early)
