"""GroupService: groups and their members."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from vospace_model.faults import InvalidURI
from vospace_server.database.engine import Database
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.domain.account import (
    AlreadyExistsError,
    InvalidValueError,
    NoSuchGroupError,
    NoSuchUserError,
    NotAMemberError,
    check_email,
)
from vospace_server.domain.distinguished_name import NotADistinguishedNameError, normalise_dn
from vospace_server.domain.group import (
    Group,
    GroupNaming,
    Member,
    MemberKind,
    check_group_name,
)
from vospace_server.domain.identity import Identity


def _now() -> datetime:
    return datetime.now(UTC)


def read_member(text: str) -> tuple[MemberKind, str]:
    """What a member is, from how it is written; `kind:value` says it outright.

    `ivo://…` is a group, text with `=` a distinguished name, with `@` an e-mail address,
    anything else a user.
    """
    for kind in MemberKind:
        prefix = f"{kind.value}:"
        if text.startswith(prefix):
            return kind, text.removeprefix(prefix)
    if text.startswith("ivo://"):
        return MemberKind.GROUP, text
    if "=" in text:
        return MemberKind.DN, text
    return (MemberKind.EMAIL if "@" in text else MemberKind.USER), text


class GroupService:
    """Makes groups and changes who belongs to them.

    Groups are named by their bare name or any spelling of their URI. Raises
    AdministrationError with a sentence for people when something can't be done.
    """

    def __init__(
        self,
        *,
        database: Database,
        naming: GroupNaming,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._database = database
        self._naming = naming
        self._clock = clock

    def add(self, name: str, *, owner: str, description: str, by: Identity) -> Group:
        """A new, empty group. Its owner is not thereby a member."""
        check_group_name(name)
        now = self._clock()
        with self._database.write() as unit:
            user = unit.users.by_name(owner)
            if user is None:
                raise NoSuchUserError(owner)
            unit.groups.add(
                name=name, owner_id=user.user_id, description=description, created=now
            )
            unit.audit.record(
                "group-added", self._naming.uri(name), by=by, at=now, detail={"owner": owner}
            )
            return self._existing(unit, name)

    def all(self) -> list[Group]:
        """All groups by name, without their members."""
        with self._database.read() as unit:
            return unit.groups.all()

    def get(self, name: str) -> Group:
        """The group with its members, users by name; raises NoSuchGroupError."""
        with self._database.read() as unit:
            group = self._existing(unit, name)
            ids = [int(m.value) for m in group.members if m.kind is MemberKind.USER]
            names = unit.users.names(ids)
        members = (
            replace(m, value=names[int(m.value)]) if m.kind is MemberKind.USER else m
            for m in group.members
        )
        ordered = sorted(members, key=lambda member: (member.kind.value, member.value))
        return replace(group, members=tuple(ordered))

    def add_member(
        self, name: str, member: str, *, expires: datetime | None, by: Identity
    ) -> Member:
        """Makes somebody, or another group, a member; returns it in its one form.

        A member who is there already with the same end is AlreadyExistsError; with another
        end, the new one holds.
        """
        now = self._clock()
        if expires is not None and expires <= now:
            raise InvalidValueError("the membership would be over before it begins")
        with self._database.write() as unit:
            group = self._existing(unit, name)
            kept = replace(self._stored(unit, member), expires=expires)
            if kept in group.members:
                raise AlreadyExistsError(f"{member!r} is a member of {group.name!r} already")
            unit.groups.add_member(group.group_id, kept, added_by=by.user_id, at=now)
            self._audit(unit, "group-member-added", group, kept, by)
        return kept

    def remove_member(self, name: str, member: str, *, by: Identity) -> None:
        """Ends a direct membership; raises NotAMemberError when there is none."""
        now = self._clock()
        with self._database.write() as unit:
            group = self._existing(unit, name)
            stored = self._stored(unit, member)
            if not unit.groups.remove_member(group.group_id, stored, at=now):
                raise NotAMemberError(f"{member!r} is not a member of {group.name!r}")
            self._audit(unit, "group-member-removed", group, stored, by)

    def _existing(self, unit: UnitOfWork, text: str) -> Group:
        try:
            name = self._naming.own_name(text)
        except InvalidURI as error:
            raise InvalidValueError(error.detail) from error
        group = None if name is None else unit.groups.by_name(name)
        if group is None:
            raise NoSuchGroupError(text)
        return group

    def _stored(self, unit: UnitOfWork, text: str) -> Member:
        """The member as it is kept: an id, a normalised name, a lower-case address, a URI."""
        kind, value = read_member(text)
        if kind is MemberKind.USER:
            user = unit.users.by_name(value)
            if user is None:
                raise NoSuchUserError(value)
            return Member(kind=kind, value=str(user.user_id))
        if kind is MemberKind.EMAIL:
            return Member(kind=kind, value=check_email(value).lower())
        if kind is MemberKind.GROUP:
            return Member(kind=kind, value=self._group_uri(unit, value))
        try:
            return Member(kind=kind, value=normalise_dn(value))
        except NotADistinguishedNameError as error:
            raise InvalidValueError(str(error)) from error

    def _group_uri(self, unit: UnitOfWork, text: str) -> str:
        """A group of ours must exist; one of another service is taken as it is written."""
        uri = self._naming.uri(text)
        if "://" in text:
            try:
                uri = self._naming.normalise(text)
            except InvalidURI as error:
                raise InvalidValueError(error.detail) from error
        if self._naming.own_name(uri) is not None:
            self._existing(unit, uri)
        return uri

    def _audit(
        self, unit: UnitOfWork, action: str, group: Group, member: Member, by: Identity
    ) -> None:
        detail: dict[str, object] = {
            "kind": member.kind.value,
            "member": member.value,
            "expires": None if member.expires is None else member.expires.isoformat(),
        }
        uri = self._naming.uri(group.name)
        unit.audit.record(action, uri, by=by, at=self._clock(), detail=detail)
