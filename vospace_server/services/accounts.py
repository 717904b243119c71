"""AccountService: users and their tokens."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from vospace_server.database.engine import Database
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.domain.access_token import new_token, token_digest
from vospace_server.domain.account import (
    IdentityKind,
    InvalidValueError,
    NoSuchTokenError,
    NoSuchUserError,
    Token,
    User,
    check_email,
    check_password,
    check_user_name,
)
from vospace_server.domain.distinguished_name import NotADistinguishedNameError, normalise_dn
from vospace_server.domain.identity import ANONYMOUS, Caller, Identity
from vospace_server.domain.session import Session
from vospace_server.domain.token_scope import TokenScope

# So long is somebody told when the token expired; then it is unknown, and a program that logs
# in for every command does not fill the table.
_REMEMBERED_AFTER_EXPIRY = timedelta(days=30)


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """What is asked for a new account; a password of None leaves tokens and certificates."""

    name: str
    password: str | None = None
    distinguished_names: Sequence[str] = ()
    email: str | None = None
    is_admin: bool = False
    waiting: bool = False
    """Shut until an administrator opens it."""


class AccountService:
    """Adds, changes and shuts accounts; makes and revokes their tokens.

    Raises AdministrationError with a sentence for people when something can't be done. The
    callers decide who may ask: today that is the command line of whoever owns the data.
    """

    def __init__(
        self,
        *,
        database: Database,
        hash_password: Callable[[str], str],
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._database = database
        self._hash_password = hash_password
        self._clock = clock

    def add(self, new: NewUser, *, by: Caller) -> User:
        """Creates an account with all that is known of it, or nothing at all."""
        check_user_name(new.name)
        if new.email is not None:
            check_email(new.email)
        names = [_normalised(name) for name in new.distinguished_names]
        password_hash = self._hashed(new.password) if new.password is not None else None
        now = self._clock()
        with self._database.write() as unit:
            user_id = unit.users.add(
                name=new.name,
                password_hash=password_hash,
                email=new.email,
                is_admin=new.is_admin,
                created=now,
                disabled=now if new.waiting else None,
            )
            for name in dict.fromkeys(names):
                unit.users.add_distinguished_name(user_id, name, created=now)
            unit.audit.record(
                "user-added", new.name, by=by, at=now, detail={"admin": new.is_admin}
            )
            return _existing(unit, new.name)

    def provision(self, name: str, issued: str) -> None:
        """An account for somebody whom an OpenID issuer knows, in whose name it is made.

        Never takes over an account that there is: raises AlreadyExistsError for its name.
        """
        check_user_name(name)
        now = self._clock()
        with self._database.write() as unit:
            user_id = unit.users.add(
                name=name, password_hash=None, email=None, is_admin=False, created=now
            )
            unit.users.add_identity(user_id, IdentityKind.OIDC, issued, created=now)
            detail: dict[str, object] = {"identity": issued}
            unit.audit.record("user-provisioned", name, by=ANONYMOUS, at=now, detail=detail)

    def all(self) -> list[User]:
        """All accounts by name, disabled ones too."""
        with self._database.read() as unit:
            return unit.users.all()

    def get(self, name: str) -> User:
        """The account of this name; raises NoSuchUserError."""
        with self._database.read() as unit:
            return _existing(unit, name)

    def set_disabled(self, name: str, *, disabled: bool, by: Identity) -> None:
        """Shuts an account with all its tokens, or opens it again.

        Takes effect with the next request to any process, because every request looks whether
        accounts have changed.
        """
        now = self._clock()
        with self._database.write() as unit:
            user = _existing(unit, name)
            unit.users.set_disabled(user.user_id, now if disabled else None)
            action = "user-disabled" if disabled else "user-enabled"
            unit.audit.record(action, name, by=by, at=now)

    def set_password(
        self, name: str, password: str, *, by: Identity, keep: Session | None = None
    ) -> None:
        """Replaces the password; the old one stops to work at once.

        So do all logins of browsers, of which somebody else may have one, except `keep`.
        """
        with self._database.read() as unit:
            _existing(unit, name)
        password_hash = self._hashed(password)
        with self._database.write() as unit:
            user = _existing(unit, name)
            unit.users.set_password(user.user_id, password_hash)
            kept = "" if keep is None else keep.digest
            unit.sessions.remove_of_user(user.user_id, but=kept)
            unit.audit.record("password-set", name, by=by, at=self._clock())

    def change_identities(
        self,
        name: str,
        *,
        add: Sequence[tuple[IdentityKind, str]] = (),
        remove: Sequence[tuple[IdentityKind, str]] = (),
        by: Identity,
    ) -> None:
        """Changes by what else a user is known, all of it or nothing."""
        now = self._clock()
        added, removed = _all_normalised(add), _all_normalised(remove)
        with self._database.write() as unit:
            user = _existing(unit, name)
            for kind, value in removed:
                if not unit.users.remove_identity(user.user_id, kind, value):
                    raise InvalidValueError(f"{name!r} is not known as {value!r}")
                _record_identity(unit, "identity-removed", name, value, by=by, at=now)
            for kind, value in added:
                unit.users.add_identity(user.user_id, kind, value, created=now)
                _record_identity(unit, "identity-added", name, value, by=by, at=now)

    def make_token(
        self,
        name: str,
        *,
        scope: TokenScope,
        lifetime: timedelta | None,
        label: str,
        by: Identity,
    ) -> str:
        """A new token of the account, told this once; None lives until it is revoked."""
        now = self._clock()
        if lifetime is not None and lifetime <= timedelta(0):
            raise InvalidValueError("a token must live longer than no time at all")
        text = new_token()
        with self._database.write() as unit:
            user = _existing(unit, name)
            if user.disabled:
                raise InvalidValueError(f"the account {name!r} is disabled")
            token = Token(
                token_id=0,
                user_id=user.user_id,
                scope=scope,
                label=label,
                created=now,
                expires=None if lifetime is None else _end(now, lifetime),
                revoked=False,
                last_used=None,
            )
            unit.tokens.forget_expired(user.user_id, before=now - _REMEMBERED_AFTER_EXPIRY)
            token_id = unit.tokens.add(token, digest=token_digest(text))
            detail: dict[str, object] = {"token": token_id, "scope": scope.label}
            unit.audit.record("token-made", name, by=by, at=now, detail=detail)
        return text

    def tokens(self, name: str) -> list[Token]:
        """All tokens of the account, ended ones too."""
        with self._database.read() as unit:
            return unit.tokens.of_user(_existing(unit, name).user_id)

    def revoke_token(self, name: str, token_id: int, *, by: Identity) -> None:
        """Ends one token at once; ending it twice is no error."""
        now = self._clock()
        with self._database.write() as unit:
            user = _existing(unit, name)
            known = {token.token_id for token in unit.tokens.of_user(user.user_id)}
            if token_id not in known:
                raise NoSuchTokenError(f"{name!r} has no token number {token_id}")
            unit.tokens.revoke(token_id, at=now)
            detail: dict[str, object] = {"token": token_id}
            unit.audit.record("token-revoked", name, by=by, at=now, detail=detail)

    def _hashed(self, password: str) -> str:
        return self._hash_password(check_password(password))


def _existing(unit: UnitOfWork, name: str) -> User:
    user = unit.users.by_name(name)
    if user is None:
        raise NoSuchUserError(name)
    return user


def _record_identity(
    unit: UnitOfWork, action: str, name: str, value: str, *, by: Identity, at: datetime
) -> None:
    detail: dict[str, object] = {"identity": value}
    unit.audit.record(action, name, by=by, at=at, detail=detail)


def _all_normalised(
    identities: Sequence[tuple[IdentityKind, str]],
) -> list[tuple[IdentityKind, str]]:
    return [
        (kind, _normalised(value) if kind is IdentityKind.X500 else value)
        for kind, value in identities
    ]


def _normalised(distinguished_name: str) -> str:
    try:
        return normalise_dn(distinguished_name)
    except NotADistinguishedNameError as error:
        raise InvalidValueError(str(error)) from error


def _end(now: datetime, lifetime: timedelta) -> datetime:
    try:
        return now + lifetime
    except OverflowError as error:
        raise InvalidValueError("no token can live that long") from error
