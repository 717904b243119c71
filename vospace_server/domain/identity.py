"""Who is asking: the result of authentication, all that a decision needs to know of them."""

from dataclasses import dataclass, field
from datetime import datetime

from vospace_model.uris import NodePath
from vospace_server.domain.token_scope import ScopeLevel, TokenScope


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """An authenticated user, as of one request.

    `groups` holds every group the user belongs to, directly or through other groups, as
    normalised `ivo://authority/gms?name` text, so that a permission is one set lookup.
    `bearer` is the token that was shown, to be forwarded where the operator says so.
    `expires` is when the credential ends, if it does: what is made with it lives no longer.
    """

    user_id: int
    name: str
    groups: frozenset[str]
    is_admin: bool
    scope: TokenScope
    bearer: str | None = field(default=None, repr=False, compare=False)
    expires: datetime | None = None

    @property
    def may_write(self) -> bool:
        """Whether the credential lets its user change anything at all."""
        return self.scope.most >= ScopeLevel.WRITE

    @property
    def acts_as_admin(self) -> bool:
        """Whether the user is an administrator and the credential lets them act as one."""
        return self.is_admin and self.scope.everywhere >= ScopeLevel.ADMIN

    @property
    def may_write_everywhere(self) -> bool:
        """Whether the credential is for changing anything, also what is no node: groups."""
        return self.scope.everywhere >= ScopeLevel.WRITE

    @property
    def limits(self) -> str:
        """What the credential is for, as the end of a sentence that refuses something."""
        if not self.scope.below and not self.may_write_everywhere:
            return "the credential is for reading only"
        return f"the credential is limited to {self.scope.label}"

    def reaches(self, path: NodePath) -> bool:
        """Whether the credential is good for anything at this path."""
        return self.scope.allows(ScopeLevel.READ, path)

    def may_write_at(self, path: NodePath) -> bool:
        """Whether the credential lets its user change the node at this path."""
        return self.scope.allows(ScopeLevel.WRITE, path)


@dataclass(frozen=True, slots=True)
class Anonymous:
    """Somebody who presented no credentials; bad ones are refused, never anonymous."""

    @property
    def may_write(self) -> bool:
        """Never."""
        return False

    @property
    def acts_as_admin(self) -> bool:
        """Never."""
        return False

    def reaches(self, path: NodePath) -> bool:
        """Always: there is no credential that could be limited."""
        del path
        return True

    def may_write_at(self, path: NodePath) -> bool:
        """Never."""
        del path
        return False


Caller = Identity | Anonymous

ANONYMOUS = Anonymous()

# User id of no account: the root container and what the operator makes on the command line.
OPERATOR_USER_ID = 0

# Whoever can write the data directory may do anything: the command line acts as this identity.
OPERATOR = Identity(
    user_id=OPERATOR_USER_ID,
    name="operator",
    groups=frozenset(),
    is_admin=True,
    scope=TokenScope.ADMIN,
)
