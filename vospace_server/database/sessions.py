"""SessionRepository: logins of browsers, by the digest of their cookies."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, or_, select, update

from vospace_server.database.schema import app_user, session
from vospace_server.domain.session import Session

_SESSIONS = select(session, app_user.c.name.label("user_name")).join(
    app_user, app_user.c.id == session.c.user_id
)


class SessionRepository:
    """Sessions in one transaction; each request reads its own, so that an end holds at once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, new: Session) -> None:
        """Keeps a new session."""
        values = {
            "digest": new.digest,
            "user_id": new.user_id,
            "csrf_secret": new.csrf_secret,
            "created_at": new.created,
            "last_seen_at": new.last_seen,
            "expires_at": new.expires,
        }
        self._connection.execute(insert(session).values(values))

    def by_digest(self, digest: str) -> Session | None:
        """The session whose cookie has this digest, ended or not."""
        row = self._connection.execute(
            _SESSIONS.where(session.c.digest == digest)
        ).one_or_none()
        return None if row is None else _session(row)

    def of_user(self, user_id: int) -> list[Session]:
        """All sessions of an account, the one seen last first."""
        query = _SESSIONS.where(session.c.user_id == user_id).order_by(
            session.c.last_seen_at.desc(), session.c.digest
        )
        return [_session(row) for row in self._connection.execute(query)]

    def set_last_seen(self, digest: str, at: datetime) -> None:
        """Records a use."""
        self._connection.execute(
            update(session).where(session.c.digest == digest).values(last_seen_at=at)
        )

    def remove(self, digest: str) -> None:
        """Ends a session; one that has ended already is no error."""
        self._connection.execute(delete(session).where(session.c.digest == digest))

    def remove_of_user(self, user_id: int, *, but: str = "") -> int:
        """Ends all sessions of an account, except the one with the digest `but`; how many."""
        result = self._connection.execute(
            delete(session).where(session.c.user_id == user_id, session.c.digest != but)
        )
        return result.rowcount

    def forget_ended(self, *, now: datetime, unused_since: datetime) -> None:
        """Deletes sessions that are over, or that nobody has used since a time."""
        over = or_(session.c.expires_at <= now, session.c.last_seen_at <= unused_since)
        self._connection.execute(delete(session).where(over))


def _session(row: Row[Any]) -> Session:
    return Session(
        digest=row.digest,
        user_id=row.user_id,
        user_name=row.user_name,
        csrf_secret=row.csrf_secret,
        created=row.created_at,
        last_seen=row.last_seen_at,
        expires=row.expires_at,
    )
