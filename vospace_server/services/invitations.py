"""InvitationService: links that make whoever follows them a member of a group."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from vospace_model.faults import PermissionDenied
from vospace_server.database.engine import Database
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.domain.account import InvalidValueError, check_email
from vospace_server.domain.group import Group, GroupRole, Member, MemberKind
from vospace_server.domain.identity import Identity
from vospace_server.domain.invitation import Invitation
from vospace_server.domain.session import cookie_digest, new_secret
from vospace_server.domain.token_scope import TokenScope
from vospace_server.services.groups import GroupService

LONGEST: Final = timedelta(days=90)
_GONE: Final = "this invitation was used, withdrawn, or is over; ask for a new one"


def _now() -> datetime:
    return datetime.now(UTC)


class InvitationService:
    """Makes, shows, accepts and withdraws invitations.

    An invitation grants what its maker may grant at the moment when it is accepted: those of
    somebody who no longer administers the group are void. `identify` gives an account as it is
    now.
    """

    def __init__(
        self,
        *,
        database: Database,
        groups: GroupService,
        identify: Callable[[str, TokenScope], Identity],
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._database = database
        self._groups = groups
        self._identify = identify
        self._clock = clock

    def invite(
        self,
        name: str,
        *,
        role: GroupRole,
        email: str,
        lifetime: timedelta,
        membership_expires: datetime | None,
        by: Identity,
    ) -> str:
        """A new invitation into a group; returns its secret, which is told this once."""
        now = self._clock()
        if not timedelta(0) < lifetime <= LONGEST:
            raise InvalidValueError(f"an invitation is good for 1 to {LONGEST.days} days")
        if membership_expires is not None and membership_expires <= now:
            raise InvalidValueError("the membership would be over before it begins")
        secret = new_secret()
        with self._groups.changing(name, by) as (unit, group):
            new = Invitation(
                invitation_id=0,
                group_name=group.name,
                role=role,
                email=check_email(email) if email else "",
                invited_by=by.name,
                created=now,
                expires=now + lifetime,
                answered=False,
                membership_expires=membership_expires,
            )
            unit.invitations.add(
                new,
                group_id=group.group_id,
                invited_by=by.user_id,
                digest=cookie_digest(secret),
            )
            detail: dict[str, object] = {"role": role.value, "email": email}
            self._groups.record(unit, "group-invited", group, by, detail)
        return secret

    def open_of(self, name: str, *, by: Identity) -> list[Invitation]:
        """The invitations into a group that nobody has answered, for whoever may change it."""
        by = self._groups.informed(by, name, to_change=True)
        with self._database.read() as unit:
            group = self._groups.existing(unit, name)
            self._groups.require_change(unit, group, by)
            return unit.invitations.open_of(group.group_id, now=self._clock())

    def look(self, secret: str) -> Invitation:
        """The invitation of a link. Raises InvalidValueError for one that is no good."""
        with self._database.read() as unit:
            return self._open(unit, secret)

    def accept(self, secret: str, *, by: Identity) -> Invitation:
        """Makes the caller what the invitation offers, at once and once."""
        with self._database.read() as unit:
            opened = self._open(unit, secret)
        # As the inviter is now: their account may be shut, or no longer administer the group.
        inviting = self._inviting(opened)
        with self._database.write() as unit:
            invitation = self._open(unit, secret)
            group = self._changeable(unit, invitation, inviting)
            closed = unit.invitations.answer(
                invitation.invitation_id, at=self._clock(), accepted_by=by.user_id
            )
            if not closed:
                raise InvalidValueError(_GONE)
            line = Member(
                kind=MemberKind.USER,
                value=str(by.user_id),
                expires=invitation.membership_expires,
            )
            self._groups.admit(unit, group, line, invitation.role, inviting)
            self._groups.record(unit, "group-invitation-accepted", group, by, {})
        return invitation

    def decline(self, secret: str, *, by: Identity) -> Invitation:
        """Closes the invitation without taking it."""
        with self._database.write() as unit:
            invitation = self._open(unit, secret)
            unit.invitations.answer(
                invitation.invitation_id, at=self._clock(), accepted_by=None
            )
            group = self._groups.existing(unit, invitation.group_name)
            self._groups.record(unit, "group-invitation-declined", group, by, {})
        return invitation

    def withdraw(self, name: str, invitation_id: int, *, by: Identity) -> None:
        """Closes an invitation into a group; one that is closed already is no error."""
        now = self._clock()
        with self._groups.changing(name, by) as (unit, group):
            known = {
                each.invitation_id for each in unit.invitations.open_of(group.group_id, now=now)
            }
            if invitation_id in known:
                unit.invitations.answer(invitation_id, at=now, accepted_by=None)
                self._groups.record(unit, "group-invitation-withdrawn", group, by, {})

    def _open(self, unit: UnitOfWork, secret: str) -> Invitation:
        invitation = unit.invitations.by_digest(cookie_digest(secret))
        if invitation is None or not invitation.is_open(self._clock()):
            raise InvalidValueError(_GONE)
        return invitation

    def _inviting(self, invitation: Invitation) -> Identity:
        try:
            inviting = self._identify(invitation.invited_by, TokenScope.WRITE)
        except PermissionDenied as error:
            raise InvalidValueError(_GONE) from error
        return self._groups.informed(inviting, invitation.group_name, to_change=True)

    def _changeable(
        self, unit: UnitOfWork, invitation: Invitation, inviting: Identity
    ) -> Group:
        try:
            return self._groups.changeable(unit, invitation.group_name, inviting)
        except PermissionDenied as error:
            raise InvalidValueError(_GONE) from error
