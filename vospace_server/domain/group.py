"""Groups: their names and URIs, their members, and who belongs to one through another."""

import enum
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from vospace_model.uris import GroupUri
from vospace_server.domain.account import InvalidValueError

MAX_NAME_CHARACTERS = 255
_GROUP_NAME = re.compile(r"[A-Za-z0-9,._~-]+", re.ASCII)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A group as kept. `owner` is the user name of its owner."""

    group_id: int
    name: str
    owner: str
    description: str
    created: datetime
    modified: datetime
    members: tuple[Member, ...] = ()


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
    """The name, if GMS 1.0 allows it (letters, digits and , - . _ ~); else raises."""
    if not _GROUP_NAME.fullmatch(name) or len(name) > MAX_NAME_CHARACTERS:
        raise InvalidValueError(
            f"{name!r} can't be a group name: use 1 to {MAX_NAME_CHARACTERS} letters, digits, "
            "comma, dot, dash, underscore and tilde"
        )
    return name


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
