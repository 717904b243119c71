"""Groups as CADC's group service shows them: the standard, GMS 1.0, knows names alone."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final


class IdentityType:
    """What kinds of names users have in group documents; others may occur."""

    HTTP: Final = "HTTP"
    X500: Final = "X500"
    CADC: Final = "CADC"
    OPENID: Final = "OpenID"
    POSIX: Final = "POSIX"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserIdentity:
    """One name of a user."""

    type: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupUser:
    """A user. `internal_id` is a URI that no other user has, None in what clients write."""

    internal_id: str | None = None
    identities: tuple[UserIdentity, ...] = ()

    def name_of(self, identity_type: str) -> str | None:
        """The name of this type, if the user has one."""
        for identity in self.identities:
            if identity.type == identity_type:
                return identity.name
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertyOfGroup:
    """A remark of some program; `type` is `String` or `Integer`."""

    key: str
    value: str
    type: str = "String"
    read_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupDocument:
    """A group, whole, or by its URI alone where it stands in another group."""

    uri: str
    owner: GroupUser | None = None
    description: str | None = None
    last_modified: datetime | None = None
    properties: tuple[PropertyOfGroup, ...] = ()
    user_members: tuple[GroupUser, ...] = ()
    group_members: tuple[str, ...] = ()
    user_admins: tuple[GroupUser, ...] = ()
    group_admins: tuple[str, ...] = ()
