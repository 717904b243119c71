"""Whether the service answers at present, so that a dead one doesn't cost a wait each time."""

import threading
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AvailabilityConfig:
    """How a service that is away is treated."""

    # After a failure, what can be served from memory is, without asking, for so long…
    first_pause_seconds: float = 1.0
    # …and longer after each further failure, up to this.
    longest_pause_seconds: float = 10.0
    # How long a question may take whose old answer would do.
    fallback_seconds: float = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AvailabilityReport:
    """For `vofs status`: since when the service has been away, and what was served instead."""

    away_since: float | None
    stale_answers: int


class Availability:
    """Remembers the last failures. The lock guards all fields."""

    def __init__(self, config: AvailabilityConfig) -> None:
        self.config = config
        self._lock = threading.Lock()
        self._failures = 0
        self._ask_again_at = 0.0
        self._away_since: float | None = None
        self._stale_answers = 0

    @property
    def should_ask(self) -> bool:
        """Whether it is worth asking while an old answer would do."""
        with self._lock:
            return time.monotonic() >= self._ask_again_at

    @property
    def is_away(self) -> bool:
        """Whether the last question went unanswered."""
        with self._lock:
            return self._away_since is not None

    def answered(self) -> None:
        """The service is there."""
        with self._lock:
            self._failures = 0
            self._ask_again_at = 0.0
            self._away_since = None

    def failed(self) -> None:
        """The service didn't answer."""
        with self._lock:
            pause = self.config.first_pause_seconds * 2**self._failures
            self._failures = min(self._failures + 1, 10)
            self._ask_again_at = time.monotonic() + min(
                pause, self.config.longest_pause_seconds
            )
            if self._away_since is None:
                self._away_since = time.time()

    def served_stale(self) -> None:
        """An old answer was given because the service is away."""
        with self._lock:
            self._stale_answers += 1

    def report(self) -> AvailabilityReport:
        """The state as of now."""
        with self._lock:
            return AvailabilityReport(
                away_since=self._away_since, stale_answers=self._stale_answers
            )
