"""InvitationRepository: links into groups, by the digest of their secrets."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from vospace_server.database.schema import app_user, group_invitation, user_group
from vospace_server.domain.group import GroupRole
from vospace_server.domain.invitation import Invitation

_INVITATIONS = (
    select(
        group_invitation,
        user_group.c.name.label("group_name"),
        app_user.c.name.label("invited_by_name"),
    )
    .join(user_group, user_group.c.id == group_invitation.c.group_id)
    .join(app_user, app_user.c.id == group_invitation.c.invited_by)
    .where(user_group.c.deleted_at.is_(None))
)


class InvitationRepository:
    """Invitations in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, new: Invitation, *, group_id: int, invited_by: int, digest: str) -> int:
        """Keeps a new invitation (whose own id is ignored); its id."""
        values = {
            "group_id": group_id,
            "digest": digest,
            "email": new.email or None,
            "role": new.role.value,
            "invited_by": invited_by,
            "created_at": new.created,
            "expires_at": new.expires,
            "membership_expires_at": new.membership_expires,
        }
        query = insert(group_invitation).values(values).returning(group_invitation.c.id)
        invitation_id: int = self._connection.execute(query).scalar_one()
        return invitation_id

    def by_digest(self, digest: str) -> Invitation | None:
        """The invitation whose secret has this digest, open or not."""
        query = _INVITATIONS.where(group_invitation.c.digest == digest)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else _invitation(row)

    def open_of(self, group_id: int, *, now: datetime) -> list[Invitation]:
        """Those of a group that can still be accepted, the newest first."""
        query = _INVITATIONS.where(
            group_invitation.c.group_id == group_id,
            group_invitation.c.answered_at.is_(None),
            group_invitation.c.expires_at > now,
        ).order_by(group_invitation.c.id.desc())
        return [_invitation(row) for row in self._connection.execute(query)]

    def answer(self, invitation_id: int, *, at: datetime, accepted_by: int | None) -> bool:
        """Closes an invitation; False when it was closed before, by whoever was faster."""
        result = self._connection.execute(
            update(group_invitation)
            .where(
                group_invitation.c.id == invitation_id,
                group_invitation.c.answered_at.is_(None),
            )
            .values(answered_at=at, accepted_by=accepted_by)
        )
        return result.rowcount > 0


def _invitation(row: Row[Any]) -> Invitation:
    return Invitation(
        invitation_id=row.id,
        group_name=row.group_name,
        role=GroupRole(row.role),
        email=row.email or "",
        invited_by=row.invited_by_name,
        created=row.created_at,
        expires=row.expires_at,
        answered=row.answered_at is not None,
        membership_expires=row.membership_expires_at,
    )
