"""One bound for everything that an operation does: each wait takes what is left of it."""

import time

from vofs.client.errors import TimedOut


class Deadline:
    """Starts counting when it is made."""

    __slots__ = ("_end", "_seconds")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    @property
    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self._end - time.monotonic())

    @property
    def expired(self) -> bool:
        """Whether nothing is left."""
        return self.remaining <= 0.0

    def bound(self, seconds: float) -> float:
        """The wait, cut to what is left; raises TimedOut when nothing is."""
        remaining = self.remaining
        if remaining <= 0.0:
            raise TimedOut(f"no answer within {self._seconds:g} s")
        return min(seconds, remaining)
