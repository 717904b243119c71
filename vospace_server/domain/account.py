"""Accounts: what a user is, what names and passwords are allowed, and what can go wrong."""

import enum
import re
from dataclasses import dataclass
from datetime import datetime

from vospace_server.domain.token_scope import TokenScope

MIN_PASSWORD_CHARACTERS = 8
# argon2 takes any length; a bound keeps a form from carrying megabytes into a hash.
MAX_PASSWORD_CHARACTERS = 1024
# OpenID Connect Core 1.0, section 2.
_MOST_SUBJECT_CHARACTERS = 255
_USER_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}", re.ASCII)
_EMAIL = re.compile(r"[^\s@,<>]{1,64}@[^\s@,<>]{1,255}")


class IdentityKind(enum.Enum):
    """By what else a user may be known."""

    # A normalised distinguished name.
    X500 = "X500"
    # An issuer's URL, a space, and its name (sub) for the user.
    OIDC = "OIDC"


class AdministrationError(Exception):
    """What was asked of accounts or groups can't be done; the text is a sentence for people."""


class InvalidValueError(AdministrationError):
    """A name, password, address or time is not acceptable."""


class NoSuchUserError(AdministrationError):
    """There is no account of that name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no user {name!r}")


class NoSuchTokenError(AdministrationError):
    """The account has no token of that number."""


class NoSuchGroupError(AdministrationError):
    """There is no group of that name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no group {name!r}")


class AlreadyExistsError(AdministrationError):
    """The name, distinguished name or membership is there already."""


class NotAMemberError(AdministrationError):
    """Who shall be removed is not a member."""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """An account as kept. `password_hash` is None where only tokens or certificates log in."""

    user_id: int
    name: str
    is_admin: bool
    disabled: bool
    email: str | None
    created: datetime
    password_hash: str | None
    distinguished_names: tuple[str, ...] = ()
    issued_names: tuple[str, ...] = ()
    """Who the user is to OpenID issuers: `issuer subject`."""
    waiting: bool = False
    """Disabled because no administrator has opened it yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token as kept: everything but the token, of which only a digest exists."""

    token_id: int
    user_id: int
    scope: TokenScope
    label: str
    created: datetime
    expires: datetime | None
    revoked: bool
    last_used: datetime | None


def issued_name(issuer: str, subject: str) -> str:
    """Who a user is to an OpenID issuer, as an identity's value."""
    if not issuer or not subject or " " in issuer or len(subject) > _MOST_SUBJECT_CHARACTERS:
        raise InvalidValueError(f"{issuer!r} and {subject[:40]!r} are no issuer and subject")
    return f"{issuer} {subject}"


def check_user_name(name: str) -> str:
    """The name, if it is 1 to 64 letters, digits, dots, dashes, underscores; else raises."""
    if not _USER_NAME.fullmatch(name):
        raise InvalidValueError(
            f"{name!r} can't be a user name: use 1 to 64 letters, digits, dot, dash and "
            "underscore, and begin with a letter, a digit or an underscore"
        )
    return name


def check_password(password: str) -> str:
    """The password, if its length is acceptable; else raises InvalidValueError."""
    if len(password) < MIN_PASSWORD_CHARACTERS:
        raise InvalidValueError(
            f"the password is too short: it needs at least {MIN_PASSWORD_CHARACTERS} characters"
        )
    if len(password) > MAX_PASSWORD_CHARACTERS:
        raise InvalidValueError(
            f"the password is too long: at most {MAX_PASSWORD_CHARACTERS} characters"
        )
    return password


def check_email(email: str) -> str:
    """The address, if it looks like one; else raises InvalidValueError."""
    if not _EMAIL.fullmatch(email):
        raise InvalidValueError(f"{email!r} is not an e-mail address")
    return email
