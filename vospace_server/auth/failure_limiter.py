"""Slows down guessing: after some wrong passwords an account or an address has to wait.

Counted per process over a sliding minute. A password that was verified within the last minute
is not asked here, so an attacker who exhausts somebody's account does not stop the sessions
that this somebody has running.
"""

import math
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable

from vospace_model.faults import ServiceBusy

WINDOW_SECONDS = 60.0
_MOST_KEYS = 20_000


class FailureLimiter:
    """Times of the latest failures, by account and by address."""

    def __init__(
        self,
        *,
        per_account: int,
        per_address: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = {"account": per_account, "address": per_address}
        self._clock = clock
        # Guards _failures.
        self._lock = threading.Lock()
        # Least recently failed first, so that the oldest is dropped when there are too many.
        self._failures: OrderedDict[tuple[str, str], deque[float]] = OrderedDict()

    def check(self, *, account: str, address: str) -> None:
        """Raises ServiceBusy, with the seconds to wait, while either has failed too often."""
        wait = max(self._wait(("account", account)), self._wait(("address", address)))
        if wait > 0:
            seconds = math.ceil(wait)
            raise ServiceBusy(
                f"too many wrong passwords; try again in {seconds} s",
                retry_after_seconds=seconds,
            )

    def record_failure(self, *, account: str, address: str) -> None:
        """Counts one wrong password against both."""
        now = self._clock()
        with self._lock:
            for key in (("account", account), ("address", address)):
                times = self._failures.setdefault(key, deque(maxlen=self._limits[key[0]]))
                times.append(now)
                self._failures.move_to_end(key)
            while len(self._failures) > _MOST_KEYS:
                self._failures.popitem(last=False)

    def forgive(self, *, account: str) -> None:
        """Forgets the failures of an account whose owner has just logged in."""
        with self._lock:
            self._failures.pop(("account", account), None)

    def _wait(self, key: tuple[str, str]) -> float:
        with self._lock:
            times = self._failures.get(key)
            if times is None or len(times) < self._limits[key[0]]:
                return 0.0
            return times[0] + WINDOW_SECONDS - self._clock()
