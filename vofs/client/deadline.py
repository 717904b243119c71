"""One bound for everything that an operation does: each wait takes what is left of it."""

import contextlib
import contextvars
import time
from collections.abc import Iterator

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


_limit: contextvars.ContextVar[Deadline | None] = contextvars.ContextVar("limit", default=None)


@contextlib.contextmanager
def limited(seconds: float | None) -> Iterator[None]:
    """Within this block, operations of the client take no longer; None limits nothing.

    A context variable, because what is limited is whatever the block asks the client for,
    through layers that have no say in it.
    """
    if seconds is None:
        yield
        return
    token = _limit.set(Deadline(seconds))
    try:
        yield
    finally:
        _limit.reset(token)


def operation_deadline(seconds: float) -> Deadline:
    """A deadline for one operation: its own, or the surrounding limit when that is nearer."""
    limit = _limit.get()
    if limit is not None and limit.remaining < seconds:
        return limit
    return Deadline(seconds)
