"""Signals, taken by a thread that waits for them.

While the kernel is served, the main thread is in C and Python's handlers never run; libfuse's
own would unmount on SIGHUP. So the signals are blocked everywhere, and one thread asks for
them.
"""

import logging
import signal
import threading
from collections.abc import Callable
from typing import Final

_log = logging.getLogger(__name__)

_TAKEN: Final = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP})


def block() -> None:
    """Block the signals in this thread and all that it will start."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _TAKEN)


def start_listening(*, on_end: Callable[[], None], on_hangup: Callable[[], None]) -> None:
    """Start the thread: SIGTERM and SIGINT end the mount, SIGHUP makes it look again."""

    def listen() -> None:
        while True:
            received = signal.sigwait(_TAKEN)
            _log.info("received %s", signal.Signals(received).name)
            if received == signal.SIGHUP:
                on_hangup()
            else:
                on_end()

    threading.Thread(target=listen, name="vofs-signals", daemon=True).start()
