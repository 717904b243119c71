"""SessionService: begins, finds and ends the logins of browsers."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from vospace_model.faults import ServiceBusy
from vospace_server.database.engine import Database
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.domain.identity import Identity
from vospace_server.domain.session import Session, cookie_digest, new_secret

# The use of a session is a write; once per this long is enough to know which are in use.
_USE_INTERVAL: Final = timedelta(minutes=5)


def _now() -> datetime:
    return datetime.now(UTC)


class SessionService:
    """Sessions end at logout, after `idle` without a request, and after `life` in any case.

    An end holds from the next request to any process on, because every request reads its
    session.
    """

    def __init__(
        self,
        *,
        database: Database,
        idle: timedelta,
        life: timedelta,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._database = database
        self._idle = idle
        self._life = life
        self._clock = clock

    def begin(self, identity: Identity, *, instead_of: str | None = None) -> str:
        """A new session of somebody who has just proved who they are; returns its cookie.

        The cookie that the browser had before, if any, ends: nobody who planted or saw it is
        logged in by this.
        """
        now = self._clock()
        cookie = new_secret()
        new = Session(
            digest=cookie_digest(cookie),
            user_id=identity.user_id,
            user_name=identity.name,
            csrf_secret=new_secret(),
            created=now,
            last_seen=now,
            expires=now + self._life,
        )
        with self._database.write() as unit:
            unit.sessions.forget_ended(now=now, unused_since=now - self._idle)
            if instead_of is not None:
                unit.sessions.remove(cookie_digest(instead_of))
            unit.sessions.add(new)
            unit.audit.record("session-begun", identity.name, by=identity, at=now)
        return cookie

    def find(self, cookie: str) -> Session | None:
        """The session of a cookie, if it is still good; its use is noted now and then."""
        now = self._clock()
        with self._database.read() as unit:
            session = unit.sessions.by_digest(cookie_digest(cookie))
        if session is None or not session.holds(now, self._idle):
            return None
        if now - session.last_seen >= _USE_INTERVAL:
            self._note_use(session.digest, now)
        return session

    def of_user(self, user_id: int) -> list[Session]:
        """The sessions of an account that are still good, the one seen last first."""
        now = self._clock()
        with self._database.read() as unit:
            found = unit.sessions.of_user(user_id)
        return [session for session in found if session.holds(now, self._idle)]

    def end(self, session: Session, *, by: Identity) -> None:
        """Logs one browser out."""
        now = self._clock()
        with self._database.write() as unit:
            unit.sessions.remove(session.digest)
            unit.audit.record("session-ended", session.user_name, by=by, at=now)

    def end_all(self, user_id: int, *, by: Identity, but: Session | None = None) -> int:
        """Logs all browsers of an account out, except `but`; how many there were."""
        now = self._clock()
        kept = "" if but is None else but.digest
        with self._database.write() as unit:
            user = unit.users.by_id(user_id)
            ended = unit.sessions.remove_of_user(user_id, but=kept)
            if user is not None and ended:
                detail: dict[str, object] = {"sessions": ended}
                unit.audit.record("sessions-ended", user.name, by=by, at=now, detail=detail)
        return ended

    def _note_use(self, digest: str, now: datetime) -> None:
        def work(unit: UnitOfWork) -> None:
            unit.sessions.set_last_seen(digest, now)

        try:
            # Nobody is told about it: it need not wait for the disk, and may be missed.
            self._database.retrying(work, durable=False)
        except ServiceBusy:
            return
