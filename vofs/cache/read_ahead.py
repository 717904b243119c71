"""What to fetch beyond what was asked: a pure policy, without I/O, locks or clock.

A *session* is one sequential reader. The kernel's own read-ahead reorders requests, so a read
belongs to a session when it is near its front, not only when it touches it. What is fetched
ahead grows with what the session has read, so that no pattern costs more than a small
multiple of its useful bytes; a reader who jumps about has only sessions that never grow.
"""

from dataclasses import dataclass, field
from typing import Final

_KIB: Final = 1024
_MIB: Final = 1024 * _KIB
# The kernel's read-ahead arrives this much out of order (measured by mountpoint-s3).
_BACK_BYTES: Final = 256 * _KIB
_FORWARD_BYTES: Final = 512 * _KIB
# A reader of the first bytes of a file reads a header, and headers are longer than one block.
FIRST_BYTES: Final = 128 * _KIB
# Until a session has read so much, nothing is fetched ahead. The largest request of the
# kernel's is 128 KiB, so one random read is never mistaken for a stream. At the start of a file
# the kernel asks for as much again by itself: who reads a header costs no more than these two.
_CONFIRM_BYTES: Final = 192 * _KIB
_CONFIRM_FROM_START_BYTES: Final = 2 * FIRST_BYTES + 1
_SESSIONS: Final = 8
# A stream from the start of the file is most likely read to its end.
_GROWTH_FROM_START: Final = 4
_GROWTH: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Fetch what is absent up to `stop`; ask again when the byte at `marker` is read."""

    stop: int
    marker: int | None = None


@dataclass(slots=True, kw_only=True)
class _Session:
    """One sequential reader: bytes read, the front of its reads, the front of its fetches."""

    read_bytes: int
    reached: int
    planned: int
    growth: int
    confirm: int

    def covers(self, offset: int) -> bool:
        """Whether a read at this offset continues the session."""
        return (
            self.reached - _BACK_BYTES
            <= offset
            <= max(self.reached + _FORWARD_BYTES, self.planned)
        )

    def advance(self, offset: int, stop: int) -> None:
        """Count a read. Bytes between that were fetched ahead were read without asking."""
        if offset <= self.planned:
            self.read_bytes += max(0, stop - self.reached)
        else:
            self.read_bytes += stop - offset
        self.reached = max(self.reached, stop)


@dataclass(slots=True, kw_only=True)
class ReadAhead:
    """The sessions of one content. Not thread-safe: guarded by the content's own lock."""

    length: int
    window_bytes: int
    _sessions: list[_Session] = field(default_factory=list)

    def observe(self, offset: int, size: int) -> Plan:
        """Note a read of bytes that are absent, or of a marker, and say what to fetch."""
        stop = min(offset + size, self.length)
        session = self._session(offset)
        if session is None:
            return self._begin(offset, stop)
        session.advance(offset, stop)
        if session.read_bytes < session.confirm:
            return Plan(stop=self._unconfirmed(session, stop))
        window = min(session.read_bytes * session.growth, self.window_bytes)
        if session.planned - stop >= window:
            return Plan(stop=stop)
        before = max(session.planned, stop)
        session.planned = min(before + window, self.length)
        # The reader who comes to the start of what is fetched now has one window left.
        marker = before if session.planned > before else None
        return Plan(stop=session.planned, marker=marker)

    def withdraw(self, offset: int) -> None:
        """What was planned from this offset on was not fetched; it may be planned again."""
        for session in self._sessions:
            if session.planned > offset:
                session.planned = max(session.reached, offset)

    def _unconfirmed(self, session: _Session, stop: int) -> int:
        """How far to fetch for a reader who may only want a header: the first bytes again."""
        if session.growth == _GROWTH_FROM_START and stop > session.planned:
            session.planned = min(max(stop, session.planned + FIRST_BYTES), self.length)
            return session.planned
        return stop

    def _session(self, offset: int) -> _Session | None:
        """The session that the read continues; it becomes the most recent."""
        for number, session in enumerate(self._sessions):
            if session.covers(offset):
                self._sessions.append(self._sessions.pop(number))
                return session
        return None

    def _begin(self, offset: int, stop: int) -> Plan:
        planned = stop if offset else min(max(stop, FIRST_BYTES), self.length)
        self._sessions.append(
            _Session(
                read_bytes=stop - offset,
                reached=stop,
                planned=planned,
                growth=_GROWTH if offset else _GROWTH_FROM_START,
                confirm=_CONFIRM_BYTES if offset else _CONFIRM_FROM_START_BYTES,
            )
        )
        del self._sessions[:-_SESSIONS]
        return Plan(stop=planned)
