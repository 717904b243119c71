"""The one thread for what no reader waits for: counting, trimming, checking digests."""

import logging
import queue
import threading
from collections.abc import Callable
from typing import Final

_END: Final = None

logger = logging.getLogger(__name__)


class Housekeeper:
    """Runs jobs one after the other. The thread starts with the first job, after any fork."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        # Guards the start of the thread.
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def submit(self, job: Callable[[], None]) -> None:
        """Run a job some time; what it raises is logged."""
        self._jobs.put(job)
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._work, name="vofs-housekeeping", daemon=True
                )
                self._thread.start()

    def close(self, seconds: float) -> None:
        """Finish what is queued, waiting at most so long."""
        with self._lock:
            thread = self._thread
        if thread is not None:
            self._jobs.put(_END)
            thread.join(seconds)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not _END:
            try:
                job()
            except OSError as error:
                logger.warning("cache: housekeeping failed: %s", error)
            except Exception:
                logger.exception("cache: housekeeping failed")
