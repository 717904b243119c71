"""Between groups as services know them and CADC's group documents (contract 3.3).

CADC's client needs an HTTP and an X500 identity for everybody, so who has none gets one made
up: a user without a certificate is `cn=NAME,o=AUTHORITY`, which is also what a certificate of
our own authority says; a member who is only a certificate or an e-mail address has that as the
HTTP name. Both are understood on their way back.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from uuid import NAMESPACE_X500, UUID, uuid5

from vospace_model.faults import InvalidArgument
from vospace_model.groups import (
    GroupDocument,
    GroupUser,
    IdentityType,
    PropertyOfGroup,
    UserIdentity,
)
from vospace_server.domain.account import User
from vospace_server.domain.distinguished_name import NotADistinguishedNameError, normalise_dn
from vospace_server.domain.group import (
    GroupChange,
    GroupNaming,
    GroupProperty,
    Member,
    MemberKind,
    PropertyKind,
)
from vospace_server.services.group_queries import GroupView

_KINDS: Final = {kind.value: kind for kind in PropertyKind}


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupDocuments:
    """How groups are shown and read.

    `shown_service_id` begins the URIs of our groups in documents: an alias if there is one that
    CADC's client has built in. `authority` is that of the made-up distinguished names.
    """

    naming: GroupNaming
    service_id: str
    shown_service_id: str
    authority: str

    def uri(self, name: str) -> str:
        """The URI under which a group of ours is shown."""
        return f"{self.shown_service_id}?{name}"

    def show(self, view: GroupView) -> GroupDocument:
        """The document of a group."""
        group = view.group
        return GroupDocument(
            uri=self.uri(group.name),
            owner=self._account(view.people[group.owner]),
            description=group.description,
            last_modified=group.modified,
            properties=tuple(
                PropertyOfGroup(
                    key=each.key,
                    value=each.value,
                    type=each.kind.value,
                    read_only=each.read_only,
                )
                for each in group.properties
            ),
            user_members=self._users(group.members, view),
            group_members=self._groups(group.members),
            user_admins=self._users(group.admins, view),
            group_admins=self._groups(group.admins),
        )

    def read(self, document: GroupDocument) -> GroupChange:
        """What a group is to become by a document, which replaces all of it."""
        return GroupChange(
            description=document.description or "",
            members=(
                *map(self._line, document.user_members),
                *map(self._group_line, document.group_members),
            ),
            admins=(
                *map(self._line, document.user_admins),
                *map(self._group_line, document.group_admins),
            ),
            properties=tuple(map(_read_property, document.properties)),
        )

    def user_line(self, name: str, identity_type: str) -> str:
        """A user, named in this way, as a line of a group. Raises InvalidArgument."""
        if identity_type == IdentityType.HTTP:
            return _line_of(name)
        if identity_type == IdentityType.X500:
            return self._line_of_certificate(name)
        raise InvalidArgument(
            f"users are known here by HTTP and X500, not {identity_type[:40]}"
        )

    def _line(self, user: GroupUser) -> str:
        for identity_type in (IdentityType.HTTP, IdentityType.X500):
            name = user.name_of(identity_type)
            if name:
                return self.user_line(name, identity_type)
        raise InvalidArgument("a user of the group has neither an HTTP nor an X500 identity")

    def _line_of_certificate(self, name: str) -> str:
        try:
            normal = normalise_dn(name)
        except NotADistinguishedNameError as error:
            raise InvalidArgument(str(error)) from error
        ours = re.fullmatch(rf"cn=([^,=]+),o={re.escape(self.authority.lower())}", normal)
        if ours is None:
            return f"dn:{name}"
        # Spelled as it was given: names of users are case-sensitive, distinguished names not.
        found = re.search(rf"(?i)cn\s*=\s*({re.escape(ours[1])})", name)
        return f"user:{found[1] if found else ours[1]}"

    def _group_line(self, uri: str) -> str:
        return f"group:{uri}"

    def _users(self, members: Iterable[Member], view: GroupView) -> tuple[GroupUser, ...]:
        return tuple(
            self._user(member, view)
            for member in members
            if member.kind is not MemberKind.GROUP
        )

    def _groups(self, members: Iterable[Member]) -> tuple[str, ...]:
        uris = (each.value for each in members if each.kind is MemberKind.GROUP)
        names = ((uri, self.naming.own_name(uri)) for uri in uris)
        return tuple(uri if name is None else self.uri(name) for uri, name in names)

    def _user(self, member: Member, view: GroupView) -> GroupUser:
        if member.kind is MemberKind.USER:
            return self._account(view.people[member.value])
        is_dn = member.kind is MemberKind.DN
        return GroupUser(
            internal_id=f"{self.service_id}?{uuid5(NAMESPACE_X500, member.value)}",
            identities=_identities(
                member.value, member.value if is_dn else self._made_up(member.value)
            ),
        )

    def _account(self, user: User) -> GroupUser:
        known = user.distinguished_names
        return GroupUser(
            internal_id=f"{self.service_id}?{UUID(int=user.user_id)}",
            identities=_identities(user.name, known[0] if known else self._made_up(user.name)),
        )

    def _made_up(self, name: str) -> str:
        return f"cn={name},o={self.authority}"


def _identities(http: str, x500: str) -> tuple[UserIdentity, ...]:
    return (
        UserIdentity(type=IdentityType.HTTP, name=http),
        UserIdentity(type=IdentityType.X500, name=x500),
    )


def _line_of(name: str) -> str:
    if "=" in name:
        return f"dn:{name}"
    return f"email:{name}" if "@" in name else f"user:{name}"


def _read_property(shown: PropertyOfGroup) -> GroupProperty:
    kind = _KINDS.get(shown.type)
    if kind is None:
        raise InvalidArgument(f"a property is String or Integer, not {shown.type[:40]!r}")
    return GroupProperty(key=shown.key, value=shown.value, kind=kind, read_only=shown.read_only)
