"""GroupService: groups, their members and their administrators; every change authorised."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from vospace_model.faults import InvalidURI, PermissionDenied
from vospace_server.database.engine import Database
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.domain.account import (
    AdministrationError,
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
    GroupChange,
    GroupNaming,
    GroupRole,
    Member,
    MemberKind,
    bare_name,
    check_description,
    check_group_name,
    check_properties,
    read_member,
    roles_in,
)
from vospace_server.domain.group_access import readers_of, with_access
from vospace_server.domain.identity import Identity

MOST_LINES: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class LineReport:
    """What came of one line of a pasted list: added, a member already, or why not."""

    line: str
    member: Member | None = None
    added: bool = False
    problem: str = ""


def _now() -> datetime:
    return datetime.now(UTC)


class GroupService:
    """Makes groups and changes who belongs to them.

    Groups are named by their bare name or any spelling of their URI. The owner, the group's
    administrators and administrators of the service may change a group; only the owner and
    the latter may delete it. Raises PermissionDenied, and AdministrationError with a sentence
    for people when something can't be done.

    `informed_of` gives a caller with what other services say of some groups and those in them.
    """

    def __init__(
        self,
        *,
        database: Database,
        naming: GroupNaming,
        clock: Callable[[], datetime] = _now,
        informed_of: Callable[[Identity, Collection[str]], Identity] | None = None,
    ) -> None:
        self._database = database
        self._naming = naming
        self._clock = clock
        self._informed_of = informed_of

    # ------------------------------------------------------------------ groups

    def add(
        self,
        name: str,
        *,
        owner: str,
        description: str,
        by: Identity,
        content: GroupChange | None = None,
    ) -> Group:
        """A new group, empty but for `content`. Its owner is not thereby a member.

        Only an administrator makes groups for others. The names of deleted groups stay taken
        (AlreadyExistsError): nodes may still name them.
        """
        check_group_name(name)
        check_description(description)
        if not by.may_write_everywhere:
            raise PermissionDenied(f"can't make the group {name!r}: {by.limits}")
        if owner != by.name and not by.acts_as_admin:
            raise PermissionDenied(f"can't make the group {name!r} for {owner!r}")
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
            group = self.existing(unit, name)
            if content is not None:
                self._replace(unit, group, content, by)
            return self.existing(unit, name)

    def change(self, name: str, change: GroupChange, *, by: Identity) -> None:
        """Give a group the parts that `change` states, all of them or none.

        Somebody who stays a member keeps the end of the membership.
        """
        with self.changing(name, by) as (unit, group):
            self._replace(unit, group, change, by)

    def delete(self, name: str, *, by: Identity) -> None:
        """End a group; whoever was a member because of it is none from now on."""
        now = self._clock()
        with self._database.write() as unit:
            group = self.changeable(unit, name, by, deed="delete")
            unit.groups.delete(group.group_id, at=now)
            uri = self._naming.uri(group.name)
            unit.audit.record("group-deleted", uri, by=by, at=now)

    def all(self) -> list[Group]:
        """All groups by name, without their members. For the operator: nobody is asked."""
        with self._database.read() as unit:
            return unit.groups.all()

    def get(self, name: str) -> Group:
        """The group with its members, users by name; raises NoSuchGroupError.

        For the operator: nobody is asked.
        """
        with self._database.read() as unit:
            return with_names(unit, self.existing(unit, name))

    # ------------------------------------------------------------------ members

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
        with self.changing(name, by) as (unit, group):
            kept = replace(self._stored(unit, member), expires=expires)
            if kept in group.members:
                who = bare_name(member)
                raise AlreadyExistsError(f"{who!r} is a member of {group.name!r} already")
            unit.groups.add_member(group.group_id, kept, added_by=by.user_id, at=now)
            self._audit(unit, "group-member-added", group, kept, by)
        return kept

    def add_members(
        self,
        name: str,
        lines: Sequence[str],
        *,
        expires: datetime | None,
        by: Identity,
    ) -> list[LineReport]:
        """Makes everybody in a pasted list a member; says of each line what came of it.

        Lines that can't be used do not keep the others out. Empty ones are left out of the
        report. Raises InvalidValueError for more than MOST_LINES.
        """
        wanted = [line.strip() for line in lines if line.strip()]
        if len(wanted) > MOST_LINES:
            raise InvalidValueError(f"paste at most {MOST_LINES} lines at a time")
        now = self._clock()
        if expires is not None and expires <= now:
            raise InvalidValueError("the memberships would be over before they begin")
        with self.changing(name, by) as (unit, group):
            present = {
                replace(member, expires=None)
                for member in group.members
                if member.expires is None or member.expires > now
            }
            reports = [self._read_line(unit, line, present) for line in wanted]
            for member in (report.member for report in reports if report.added):
                assert member is not None, "what was added was understood"
                kept = replace(member, expires=expires)
                unit.groups.add_member(group.group_id, kept, added_by=by.user_id, at=now)
                self._audit(unit, "group-member-added", group, kept, by)
        return reports

    def set_access(
        self, name: str, *, public: bool, readers: Sequence[str], by: Identity
    ) -> None:
        """Lets everybody, or the members of these groups, look into the group."""
        with self.changing(name, by) as (unit, group):
            uris = [self._group_uri(unit, reader) for reader in readers]
            properties = with_access(group.properties, public=public, readers=uris)
            if properties == group.properties:
                return
            check_properties(properties)
            unit.groups.replace_properties(group.group_id, properties, at=self._clock())
            detail: dict[str, object] = {"public": public, "readers": uris}
            self.record(unit, "group-access-set", group, by, detail)

    def remove_member(self, name: str, member: str, *, by: Identity) -> None:
        """Ends a direct membership; raises NotAMemberError when there is none."""
        now = self._clock()
        with self.changing(name, by) as (unit, group):
            stored = self._stored(unit, member)
            if not unit.groups.remove_member(group.group_id, stored, at=now):
                who = bare_name(member)
                raise NotAMemberError(f"{who!r} is not a member of {group.name!r}")
            self._audit(unit, "group-member-removed", group, stored, by)

    # ------------------------------------------------------------------ administrators

    def add_admin(self, name: str, admin: str, *, by: Identity) -> Member:
        """Lets somebody, or all members of a group, administer the group."""
        with self.changing(name, by) as (unit, group):
            kept = self._stored(unit, admin)
            if kept in group.admins:
                who = bare_name(admin)
                raise AlreadyExistsError(f"{who!r} administers {group.name!r} already")
            self._admit(unit, group, kept, by)
        return kept

    def remove_admin(self, name: str, admin: str, *, by: Identity) -> None:
        """The opposite; raises NotAMemberError when there is nothing to take back."""
        with self.changing(name, by) as (unit, group):
            stored = self._stored(unit, admin)
            if stored not in group.admins:
                who = bare_name(admin)
                raise NotAMemberError(f"{who!r} does not administer {group.name!r}")
            self._dismiss(unit, group, stored, by)

    # ------------------------------------------------------------------ inside a transaction

    def existing(self, unit: UnitOfWork, text: str, *, for_change: bool = False) -> Group:
        """The group that a name or URI means, its users by number; else NoSuchGroupError."""
        try:
            name = self._naming.own_name(text)
        except InvalidURI as error:
            raise InvalidValueError(error.detail) from error
        group = None
        if name is not None:
            group = unit.groups.by_name(name, for_change=for_change)
        if group is None:
            raise NoSuchGroupError(text)
        return group

    def roles(self, unit: UnitOfWork, group: Group, caller: Identity) -> frozenset[GroupRole]:
        """What the caller is to the group."""
        user = unit.users.by_id(caller.user_id)
        return roles_in(group, caller, user, self._naming)

    def changeable(
        self, unit: UnitOfWork, text: str, by: Identity, *, deed: str = "change"
    ) -> Group:
        """The group, locked, if this identity may change (or delete) it."""
        group = self.existing(unit, text, for_change=True)
        needed = {GroupRole.OWNER} if deed == "delete" else {GroupRole.OWNER, GroupRole.ADMIN}
        if not by.may_write_everywhere:
            raise PermissionDenied(f"can't {deed} {group.name}: {by.limits}")
        if not by.acts_as_admin and not needed & self.roles(unit, group, by):
            who = " and ".join(sorted(f"its {role.value}s" for role in needed))
            raise PermissionDenied(f"can't {deed} {group.name}: only {who} may")
        return group

    @contextmanager
    def changing(self, name: str, by: Identity) -> Iterator[tuple[UnitOfWork, Group]]:
        """A transaction, and in it the group, locked, if this identity may change it."""
        informed = self.informed(by, name, to_change=True) if by.may_write else by
        with self._database.write() as unit:
            yield unit, self.changeable(unit, name, informed)

    def informed(self, caller: Identity, text: str, *, to_change: bool = False) -> Identity:
        """The caller with the memberships elsewhere that let them see (or change) this group.

        Nobody is asked where the caller may change the group already. Not to be called inside
        a transaction.
        """
        if self._informed_of is None or caller.acts_as_admin:
            return caller
        with self._database.read() as unit:
            group = self.existing(unit, text)
            if {GroupRole.OWNER, GroupRole.ADMIN} & self.roles(unit, group, caller):
                return caller
        lines = group.admins if to_change else (*group.admins, *group.members)
        named = {line.value for line in lines if line.kind is MemberKind.GROUP}
        if not to_change:
            named.update(readers_of(group))
        return self._informed_of(caller, named)

    def require_change(self, unit: UnitOfWork, group: Group, by: Identity) -> None:
        """Raises PermissionDenied unless this identity may change the group."""
        may = {GroupRole.OWNER, GroupRole.ADMIN} & self.roles(unit, group, by)
        if not by.acts_as_admin and not may:
            raise PermissionDenied(f"only owners and administrators see this of {group.name}")

    def admit(
        self, unit: UnitOfWork, group: Group, line: Member, role: GroupRole, by: Identity
    ) -> None:
        """Makes somebody, as stored, a member or administrator; harmless if they are."""
        if role is GroupRole.ADMIN:
            if replace(line, expires=None) not in group.admins:
                self._admit(unit, group, replace(line, expires=None), by)
        elif line not in group.members:
            now = self._clock()
            unit.groups.add_member(group.group_id, line, added_by=by.user_id, at=now)
            self._audit(unit, "group-member-added", group, line, by)

    def record(
        self,
        unit: UnitOfWork,
        action: str,
        group: Group,
        by: Identity,
        detail: dict[str, object],
    ) -> None:
        """Notes a deed in the history of the group."""
        uri = self._naming.uri(group.name)
        unit.audit.record(action, uri, by=by, at=self._clock(), detail=detail)

    def _read_line(self, unit: UnitOfWork, line: str, present: set[Member]) -> LineReport:
        """What a pasted line means; `present` grows by whom it adds."""
        try:
            member = self._stored(unit, line)
        except AdministrationError as error:
            return LineReport(line=line, problem=str(error))
        if member in present:
            return LineReport(line=line, member=member)
        present.add(member)
        return LineReport(line=line, member=member, added=True)

    def _replace(
        self, unit: UnitOfWork, group: Group, change: GroupChange, by: Identity
    ) -> None:
        now = self._clock()
        if change.description is not None and change.description != group.description:
            check_description(change.description)
            unit.groups.change_description(group.group_id, change.description, at=now)
            uri = self._naming.uri(group.name)
            unit.audit.record("group-described", uri, by=by, at=now)
        if change.properties is not None and change.properties != group.properties:
            check_properties(change.properties)
            unit.groups.replace_properties(group.group_id, change.properties, at=now)
            uri = self._naming.uri(group.name)
            keys: list[object] = [each.key for each in change.properties]
            unit.audit.record(
                "group-properties-changed", uri, by=by, at=now, detail={"keys": keys}
            )
        if change.members is not None:
            self._replace_members(unit, group, change.members, by)
        if change.admins is not None:
            wanted = self._all_stored(unit, change.admins)
            for admin in set(group.admins) - wanted:
                self._dismiss(unit, group, admin, by)
            for admin in wanted - set(group.admins):
                self._admit(unit, group, admin, by)

    def _replace_members(
        self, unit: UnitOfWork, group: Group, texts: Iterable[str], by: Identity
    ) -> None:
        now = self._clock()
        wanted = self._all_stored(unit, texts)
        endless = {replace(member, expires=None): member for member in group.members}
        for member in endless.keys() - wanted:
            unit.groups.remove_member(group.group_id, member, at=now)
            self._audit(unit, "group-member-removed", group, member, by)
        for member in wanted - endless.keys():
            unit.groups.add_member(group.group_id, member, added_by=by.user_id, at=now)
            self._audit(unit, "group-member-added", group, member, by)

    def _admit(self, unit: UnitOfWork, group: Group, admin: Member, by: Identity) -> None:
        now = self._clock()
        unit.groups.add_admin(group.group_id, admin, added_by=by.user_id, at=now)
        self._audit(unit, "group-admin-added", group, admin, by)

    def _dismiss(self, unit: UnitOfWork, group: Group, admin: Member, by: Identity) -> None:
        unit.groups.remove_admin(group.group_id, admin, at=self._clock())
        self._audit(unit, "group-admin-removed", group, admin, by)

    def _all_stored(self, unit: UnitOfWork, texts: Iterable[str]) -> set[Member]:
        return {self._stored(unit, text) for text in texts}

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
            self.existing(unit, uri)
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


def with_names(unit: UnitOfWork, group: Group) -> Group:
    """The group with users by name, members and administrators in a stable order."""
    lines = (*group.members, *group.admins)
    ids = [int(line.value) for line in lines if line.kind is MemberKind.USER]
    names = unit.users.names(ids)

    def named(members: Iterable[Member]) -> tuple[Member, ...]:
        shown = (
            replace(each, value=names[int(each.value)])
            if each.kind is MemberKind.USER
            else each
            for each in members
        )
        return tuple(sorted(shown, key=lambda member: (member.kind.value, member.value)))

    return replace(group, members=named(group.members), admins=named(group.admins))
