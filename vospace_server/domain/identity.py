"""Who is asking: the result of authentication, all that a decision needs to know of them."""

import enum
from dataclasses import dataclass, field
from datetime import datetime


class TokenScope(enum.IntEnum):
    """What a credential may be used for at most; each scope includes those before it.

    A scope only ever narrows: `ADMIN` on a token of somebody who is no administrator grants
    nothing. Passwords carry `ADMIN`.
    """

    READ = 1
    WRITE = 2
    ADMIN = 3

    @property
    def label(self) -> str:
        """The scope as people write it: `read`, `write` or `admin`."""
        return self.name.lower()

    @classmethod
    def parse(cls, text: str) -> "TokenScope":
        """The inverse of `label`; raises ValueError with a sentence for anything else."""
        for scope in cls:
            if scope.label == text:
                return scope
        valid = ", ".join(scope.label for scope in cls)
        message = f"unknown scope {text!r}; it must be one of {valid}"
        raise ValueError(message)


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
        return self.scope >= TokenScope.WRITE

    @property
    def acts_as_admin(self) -> bool:
        """Whether the user is an administrator and the credential lets them act as one."""
        return self.is_admin and self.scope >= TokenScope.ADMIN


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
