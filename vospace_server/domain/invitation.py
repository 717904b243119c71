"""Invitations: a link by which somebody becomes a member or administrator of a group."""

from dataclasses import dataclass
from datetime import datetime

from vospace_server.domain.group import GroupRole


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """One link, good for one person. Only a digest of its secret is kept.

    `invited_by` is the name of whoever made it, and `email` only a note of whom it is for.
    `membership_expires` is when a membership that comes of it ends, None for never.
    """

    invitation_id: int
    group_name: str
    role: GroupRole
    email: str
    invited_by: str
    created: datetime
    expires: datetime
    answered: bool
    membership_expires: datetime | None

    def is_open(self, now: datetime) -> bool:
        """Whether it can still be accepted."""
        return not self.answered and now < self.expires
