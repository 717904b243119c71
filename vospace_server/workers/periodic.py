"""PeriodicWorker: a thread that does one thing again and again, until it is stopped."""

import logging
import threading
from collections.abc import Callable

from vospace_model.faults import ServiceBusy

_LOG = logging.getLogger(__name__)

_STOP_SECONDS = 30.0


class PeriodicWorker:
    """Calls `work` every `interval_seconds`, at once again while it returns more than 0.

    What `work` raises is logged and does not end the thread.
    """

    def __init__(self, name: str, work: Callable[[], int], *, interval_seconds: float) -> None:
        self._name = name
        self._work = work
        self._interval_seconds = interval_seconds
        # Set from outside to end the wait, or to end it all.
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin; to be called once."""
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let the present call of `work` end, and return when it has; harmless to repeat."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)

    def _run(self) -> None:
        while not self._stopping.is_set():
            if self._worked() == 0:
                self._stopping.wait(self._interval_seconds)

    def _worked(self) -> int:
        try:
            return self._work()
        except ServiceBusy as error:
            _LOG.info("%s: %s", self._name, error.detail)
        except Exception:  # noqa: BLE001 - one failure must not end what keeps sizes right
            _LOG.exception("%s failed; it goes on", self._name)
        return 0
