"""ServiceStateService: whether the service works, only reads, or rests."""

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from vospace_model.faults import NotAuthenticated, PermissionDenied, ServiceBusy
from vospace_server.database.engine import Database
from vospace_server.domain.identity import Anonymous, Caller
from vospace_server.domain.service_state import ServiceMode, ServiceState

_LOG = logging.getLogger(__name__)

# Every process follows within this.
_FRESH_SECONDS: Final = 1.0
# What CADC's services say (contract 1.8).
_RETRY_AFTER_SECONDS: Final = 180


def _now() -> datetime:
    return datetime.now(UTC)


class ServiceStateService:
    """The state, kept in the database and remembered for a second; shared by all threads."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Callable[[], datetime] = _now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._clock = clock
        self._monotonic = monotonic
        # Guards the two fields below, never held while the database is asked.
        self._lock = threading.Lock()
        self._state = ServiceState(mode=ServiceMode.READ_WRITE)
        self._read_at: float | None = None

    def remembered(self) -> ServiceState | None:
        """The state without asking the database; None when what is known is too old."""
        with self._lock:
            if self._read_at is None or self._monotonic() - self._read_at > _FRESH_SECONDS:
                return None
            return self._state

    def current(self) -> ServiceState:
        """The state, at most a second old; while the database is away, the last one known."""
        remembered = self.remembered()
        if remembered is not None:
            return remembered
        asked_at = self._monotonic()
        try:
            with self._database.read() as unit:
                state = unit.service_states.get()
        except Exception as error:  # noqa: BLE001 - whoever needs the database will say so
            _LOG.info("the state of the service can't be read: %s", error)
            with self._lock:
                self._read_at = asked_at
                return self._state
        return self._remember(state, asked_at)

    def change(self, mode: ServiceMode, *, by: Caller) -> ServiceState:
        """Puts the service into a mode; for administrators only.

        Raises PermissionDenied or NotAuthenticated for everybody else.
        """
        if isinstance(by, Anonymous):
            raise NotAuthenticated("log in to change the state of the service")
        if not by.acts_as_admin:
            raise PermissionDenied("only administrators change the state of the service")
        now = self._clock()
        state = ServiceState(mode=mode, since=now, by=by.name)
        with self._database.write() as unit:
            unit.service_states.set(state)
            unit.audit.record("state-changed", mode.label, by=by, at=now)
        return self._remember(state, self._monotonic())

    def check(self, *, writing: bool) -> None:
        """Raises ServiceBusy when the mode does not allow it."""
        refuse(self.current().mode, writing=writing)

    def _remember(self, state: ServiceState, read_at: float) -> ServiceState:
        with self._lock:
            self._state, self._read_at = state, read_at
        return state


def refuse(mode: ServiceMode, *, writing: bool) -> None:
    """Raises ServiceBusy if a service in this mode does not do it."""
    allowed = mode is ServiceMode.READ_WRITE or (mode is ServiceMode.READ_ONLY and not writing)
    if not allowed:
        raise ServiceBusy(mode.sentence or "", retry_after_seconds=_RETRY_AFTER_SECONDS)
