"""Groups: their names and URIs, their members, and who belongs to one through another."""

import enum
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from vospace_model.properties import UNWRITABLE_IN_XML
from vospace_model.uris import GroupUri
from vospace_server.domain.account import InvalidValueError, User
from vospace_server.domain.identity import Identity

MAX_NAME_CHARACTERS = 255
MAX_DESCRIPTION_CHARACTERS = 4096
MAX_PROPERTIES = 100
_INTEGER = re.compile(r"-?[0-9]{1,18}")
_GROUP_NAME = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._~-]+", re.ASCII)


class MemberKind(enum.Enum):
    """What a member of a group is; the value is what the database holds."""

    USER = "user"
    DN = "dn"
    EMAIL = "email"
    GROUP = "group"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One member: a user name, distinguished name, e-mail address or group URI.

    `expires` is None for a membership without end.
    """

    kind: MemberKind
    value: str
    expires: datetime | None = None


class GroupRole(enum.Enum):
    """What somebody is to a group; the value is that of CADC's parameter `role`."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"


class PropertyKind(enum.Enum):
    """The types that a property of a group may have, as CADC's documents spell them."""

    STRING = "String"
    INTEGER = "Integer"


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupProperty:
    """A remark that some program keeps with a group; we only keep it."""

    key: str
    value: str
    kind: PropertyKind = PropertyKind.STRING
    read_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A group as kept. `owner` is the user name of its owner.

    Administrators may change the group but not delete it; they are not thereby members.
    """

    group_id: int
    name: str
    owner_id: int
    owner: str
    description: str
    created: datetime
    modified: datetime
    members: tuple[Member, ...] = ()
    admins: tuple[Member, ...] = ()
    properties: tuple[GroupProperty, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupChange:
    """What a group is to become; None leaves a part as it is.

    Members and administrators are written as people write them (`read_member`).
    """

    description: str | None = None
    members: tuple[str, ...] | None = None
    admins: tuple[str, ...] | None = None
    properties: tuple[GroupProperty, ...] | None = None


class GrantMode(enum.Enum):
    """What a node grants a group; the value is what the database holds."""

    READ = "r"
    READ_WRITE = "w"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """That a node names a group among those that may read, or read and write, it."""

    node_id: int
    mode: GrantMode


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """That somebody, or another group, is a member of this group until a time or for ever."""

    group_uri: str
    expires: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expansion:
    """All groups somebody belongs to, and when the first of these memberships ends."""

    group_uris: frozenset[str]
    valid_until: datetime | None


class GroupNaming:
    """Turns every spelling of a group of this service into one URI, and leaves others alone.

    `ivo://localhost/gms?NAME`, the older `ivo://localhost/gms#NAME`, and both under an alias
    such as `ivo://cadc.nrc.ca/gms` (which CADC's programs have built in) are the same group.
    """

    def __init__(self, *, service_id: str, aliases: Iterable[str] = ()) -> None:
        self._service_id = service_id.rstrip("/").lower()
        self._ours = frozenset(alias.rstrip("/").lower() for alias in (service_id, *aliases))

    def uri(self, name: str) -> str:
        """The URI of our group of that name."""
        return f"{self._service_id}?{name}"

    def normalise(self, text: str) -> str:
        """The one URI of a group; raises InvalidURI with a sentence."""
        group = GroupUri.parse(text)
        # IVOA identifiers are case-insensitive in front of the question mark, group names not.
        service_id = f"ivo://{group.authority}/{group.service_path.strip('/')}".lower()
        if service_id in self._ours:
            return self.uri(group.name)
        return f"{service_id}?{group.name}"

    def own_name(self, text: str) -> str | None:
        """The name of our group that a URI or a bare name means; None for foreign groups.

        Raises InvalidURI for a URI that can't be read.
        """
        if "://" not in text:
            return text
        uri = self.normalise(text)
        prefix = self.uri("")
        return uri.removeprefix(prefix) if uri.startswith(prefix) else None


def check_group_name(name: str) -> str:
    """The name, if it can be used everywhere: letters, digits and - . _ ~; else raises.

    GMS 1.0 allows a comma as well, which ends a group in the lists of core#groupread; `.` and
    `..` mean something else in a URL.
    """
    if not _GROUP_NAME.fullmatch(name) or len(name) > MAX_NAME_CHARACTERS:
        raise InvalidValueError(
            f"{name!r} can't be a group name: use 1 to {MAX_NAME_CHARACTERS} letters, digits, "
            "dot, dash, underscore and tilde, and not . or .. alone"
        )
    return name


def check_description(text: str) -> str:
    """The description, if a document can hold it and it is no novel; else raises."""
    if len(text) > MAX_DESCRIPTION_CHARACTERS or UNWRITABLE_IN_XML.search(text) is not None:
        raise InvalidValueError(
            f"a description has at most {MAX_DESCRIPTION_CHARACTERS} characters, none of "
            "them a control character"
        )
    return text


def check_properties(properties: Sequence[GroupProperty]) -> None:
    """Raises InvalidValueError for too many, too long or repeated properties."""
    if len(properties) > MAX_PROPERTIES:
        raise InvalidValueError(f"a group has at most {MAX_PROPERTIES} properties")
    if len({each.key for each in properties}) < len(properties):
        raise InvalidValueError("a property of the group is given twice")
    for each in properties:
        if not each.key or len(each.key) > MAX_NAME_CHARACTERS:
            raise InvalidValueError(f"{each.key[:40]!r} can't be the key of a property")
        check_description(each.value)
        if each.kind is PropertyKind.INTEGER and not _INTEGER.fullmatch(each.value):
            raise InvalidValueError(f"the property {each.key!r} is no whole number")


def roles_in(
    group: Group, caller: Identity, user: User | None, naming: "GroupNaming"
) -> frozenset[GroupRole]:
    """What the caller, whose account is `user`, is to a group whose users are numbers.

    Membership and administration through other groups count.
    """
    roles = set()
    if caller.user_id == group.owner_id:
        roles.add(GroupRole.OWNER)
    if naming.uri(group.name) in caller.groups:
        roles.add(GroupRole.MEMBER)
    means_caller = {*lines_through(caller.groups), *(descriptions_of(user) if user else ())}
    if not means_caller.isdisjoint(group.admins):
        roles.add(GroupRole.ADMIN)
    return frozenset(roles)


def lines_through(group_uris: Iterable[str]) -> list[Member]:
    """The lines of a group that mean all members of one of these groups."""
    return [Member(kind=MemberKind.GROUP, value=uri) for uri in group_uris]


def expand(
    direct: Iterable[Membership],
    containing: Callable[[frozenset[str]], Iterable[Membership]],
) -> Expansion:
    """Every group reached from direct memberships through groups in groups.

    `containing` answers in which groups the given ones are members. Each group is asked for
    once, so cycles end.
    """
    known: set[str] = set()
    ends: list[datetime] = []
    memberships = list(direct)
    while memberships:
        ends.extend(found.expires for found in memberships if found.expires)
        frontier = frozenset(found.group_uri for found in memberships) - known
        known |= frontier
        memberships = list(containing(frontier)) if frontier else []
    return Expansion(group_uris=frozenset(known), valid_until=min(ends, default=None))


def descriptions_of(user: User) -> list[Member]:
    """All lines of a group that mean this user: by account, by certificate, by e-mail."""
    known = [Member(kind=MemberKind.USER, value=str(user.user_id))]
    known.extend(Member(kind=MemberKind.DN, value=name) for name in user.distinguished_names)
    if user.email:
        known.append(Member(kind=MemberKind.EMAIL, value=user.email.lower()))
    return known


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


def bare_name(text: str) -> str:
    """A member as a sentence names it: without the kind, which people don't write."""
    return read_member(text)[1]
