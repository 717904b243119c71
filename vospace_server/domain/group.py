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
class Nesting:
    """That one group is a member of another, until a time or for ever."""

    group_id: int
    member_group_id: int
    expires: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expansion:
    """All groups somebody belongs to, and when the first of these memberships ends."""

    group_ids: frozenset[int]
    valid_until: datetime | None


class GroupNaming:
    """Turns every spelling of a group of this service into one URI, and leaves others alone.

    `ivo://localhost/gms?NAME`, the older `ivo://localhost/gms#NAME`, and both under an alias
    such as `ivo://cadc.nrc.ca/gms` (which CADC's programs have built in) are the same group.
    """

    def __init__(self, *, service_id: str, aliases: Iterable[str] = ()) -> None:
        self._service_id = service_id.rstrip("/")
        self._ours = frozenset(alias.rstrip("/") for alias in (service_id, *aliases))

    def uri(self, name: str) -> str:
        """The URI of our group of that name."""
        return f"{self._service_id}?{name}"

    def normalise(self, text: str) -> str:
        """The one URI of a group; raises InvalidURI with a sentence."""
        group = GroupUri.parse(text)
        service_id = f"ivo://{group.authority}/{group.service_path.strip('/')}"
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
    direct: Iterable[tuple[int, datetime | None]],
    containing: Callable[[frozenset[int]], Iterable[Nesting]],
) -> Expansion:
    """Every group reached from direct memberships through groups in groups.

    `containing` answers in which groups the given ones are members. Each group is asked for
    once, so cycles end.
    """
    known: set[int] = set()
    ends: list[datetime] = []
    frontier: set[int] = set()
    for group_id, expires in direct:
        frontier.add(group_id)
        ends.extend([expires] if expires else [])
    while frontier:
        known |= frontier
        nestings = list(containing(frozenset(frontier)))
        ends.extend(nesting.expires for nesting in nestings if nesting.expires)
        frontier = {nesting.group_id for nesting in nestings} - known
    return Expansion(group_ids=frozenset(known), valid_until=min(ends, default=None))
