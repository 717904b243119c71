"""What came of each call of the kernel: counts for `vofs status`, log lines for errors."""

import errno
import logging
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from vofs.kernel.errnos import QUIET, errno_of

_log = logging.getLogger(__name__)

# A program that retries for ever must not fill the disk with our log.
_LINES_PER_PERIOD: Final = 20
_PERIOD_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CallReport:
    """Counts since the mount began, by the name of the call and by the name of the errno."""

    calls: dict[str, int]
    errors: dict[str, int]
    # Errors that are not answers to a program's question, such as "no such file".
    troubles: int
    last_trouble: str | None


@dataclass(slots=True)
class _Period:
    """How many lines were logged since when, and how many were held back."""

    began: float = 0.0
    logged: int = 0
    withheld: int = 0


@dataclass(slots=True)
class CallJournal:
    """Safe for any number of threads; the lock guards all fields."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _calls: Counter[str] = field(default_factory=Counter)
    _errors: Counter[str] = field(default_factory=Counter)
    _troubles: int = 0
    _last_trouble: str | None = None
    _period: _Period = field(default_factory=_Period)

    def count(self, call: str) -> None:
        """A call came. Not locked: one update lost in a million is cheaper than a lock each."""
        self._calls[call] += 1

    def failed(self, call: str, error: BaseException) -> int:
        """The errno of a failed call, which is logged as loudly as it deserves."""
        number = errno_of(error)
        text = f"{call}: {errno.errorcode.get(number, number)}: {_describe(error)}"
        quiet = number in QUIET
        with self._lock:
            self._errors[errno.errorcode.get(number, str(number))] += 1
            if not quiet:
                self._troubles += 1
                self._last_trouble = text
            speak = not quiet and self._may_log()
        if quiet:
            _log.debug("%s", text)
        elif speak:
            _log.error("%s", text, exc_info=error if _is_surprise(error, number) else None)
        return number

    def report(self) -> CallReport:
        """All counts as of now."""
        with self._lock:
            return CallReport(
                calls=dict(self._calls),
                errors=dict(self._errors),
                troubles=self._troubles,
                last_trouble=self._last_trouble,
            )

    def _may_log(self) -> bool:
        now = time.monotonic()
        period = self._period
        if now - period.began >= _PERIOD_SECONDS:
            if period.withheld:
                _log.error("%d more errors were not logged", period.withheld)
            self._period = period = _Period(began=now)
        period.logged += 1
        if period.logged <= _LINES_PER_PERIOD:
            return True
        period.withheld += 1
        return False


def _describe(error: BaseException) -> str:
    return str(error) or type(error).__name__


def _is_surprise(error: BaseException, number: int) -> bool:
    """Whether the error is one of ours to repair, so that its traceback is wanted."""
    return number == errno.EIO and not isinstance(error, OSError)
