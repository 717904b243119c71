"""Authenticator: credentials become an Identity, or a refusal that says why in one line."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeGuard

from vospace_model.faults import NotAuthenticated, ServiceBusy
from vospace_server.auth.certificate_login import CertificateLogin
from vospace_server.auth.credentials import (
    CertificateCredentials,
    Credentials,
    PasswordCredentials,
    TokenCredentials,
    TrustedNameCredentials,
)
from vospace_server.auth.directory import AccountDirectory, KnownAccount, Look, identity_of
from vospace_server.auth.failure_limiter import FailureLimiter
from vospace_server.auth.passwords import Passwords
from vospace_server.auth.verified_passwords import VerifiedPasswords
from vospace_server.domain.access_token import PREFIX, token_digest
from vospace_server.domain.account import MAX_PASSWORD_CHARACTERS, Token
from vospace_server.domain.identity import Identity
from vospace_server.domain.token_scope import TokenScope

_logger = logging.getLogger(__name__)

# The use of a token is a write; once per this long is enough to see which are in use.
_USE_INTERVAL = timedelta(minutes=15)
_MOST_USES = 10_000
# Header, claims and signature.
_JWS_STOPS = 2
# One sentence for both, so that an answer does not tell which accounts exist.
_WRONG = "wrong user name or password"


def _now() -> datetime:
    return datetime.now(UTC)


class IssuedTokens(Protocol):
    """Knows the tokens of another issuer."""

    def identify(self, token: str) -> Identity:
        """Who presents it; raises NotAuthenticated, PermissionDenied or ServiceBusy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherLogins:
    """What logs in besides our own passwords and tokens, where it is set up."""

    certificates: CertificateLogin | None = None
    issuer: IssuedTokens | None = None


class Authenticator:
    """Checks every kind of credentials; shared by all threads of a process.

    Raises NotAuthenticated for credentials that are wrong, expired, revoked or of a disabled
    account, PermissionDenied for good ones of somebody who has no account, and ServiceBusy
    when there were too many wrong passwords or an issuer can't be asked.
    """

    def __init__(
        self,
        *,
        directory: AccountDirectory,
        passwords: Passwords,
        verified: VerifiedPasswords,
        limiter: FailureLimiter,
        others: OtherLogins | None = None,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._directory = directory
        self._passwords = passwords
        self._verified = verified
        self._limiter = limiter
        self._others = others or OtherLogins()
        self._clock = clock
        # Guards _uses.
        self._lock = threading.Lock()
        # Token id -> when this process last recorded its use.
        self._uses: dict[int, datetime] = {}

    def authenticate(self, credentials: Credentials, *, address: str) -> Identity:
        """Who presents the credentials; `address` is the client's, against which to count."""
        if isinstance(credentials, TokenCredentials):
            return self._by_token(credentials)
        if isinstance(credentials, PasswordCredentials):
            return self._by_password(credentials, address)
        return self._by_certificate(credentials)

    def remembered(self, credentials: Credentials) -> Identity | None:
        """The same for a token, without waiting for anything; None if that can't be told so.

        Never older than the database: nothing has been committed to it since it was asked.
        """
        return self._remembered(credentials) if is_own_token(credentials) else None

    def remembered_together(
        self, tokens: Sequence[TokenCredentials]
    ) -> list[Identity | Exception | None]:
        """The same for several, with one look at the database for all of them.

        What `authenticate` would raise for a token stands in its place.
        """
        look = self._directory.look()
        found: list[Identity | Exception | None] = []
        for token in tokens:
            try:
                found.append(self._remembered(token, look))
            except NotAuthenticated as refusal:
                found.append(refusal)
        return found

    def _remembered(
        self, credentials: TokenCredentials, look: Look | None = None
    ) -> Identity | None:
        digest = token_digest(credentials.token)
        account = self._directory.remembered_by_token(digest, look)
        if account is None or account.token is None:
            return None
        now = self._clock()
        if self._is_use_due(account.token, now):
            return None
        return _identified(account, account.token, credentials, now)

    def _by_certificate(
        self, credentials: CertificateCredentials | TrustedNameCredentials
    ) -> Identity:
        certificates = self._others.certificates
        if certificates is None:
            raise NotAuthenticated("certificates do not log in here")
        if isinstance(credentials, CertificateCredentials):
            return certificates.identify(credentials)
        return certificates.identify_name(credentials)

    def _by_token(self, credentials: TokenCredentials) -> Identity:
        if self._others.issuer is not None and _is_foreign(credentials.token):
            identity = self._others.issuer.identify(credentials.token)
            return replace(identity, bearer=credentials.token)
        account = self._directory.by_token(token_digest(credentials.token))
        if account is None or account.token is None:
            raise NotAuthenticated("the token is unknown")
        now = self._clock()
        identity = _identified(account, account.token, credentials, now)
        self._note_use(account.token, now)
        return identity

    def _by_password(self, credentials: PasswordCredentials, address: str) -> Identity:
        account = self._directory.by_name(credentials.name)
        password_hash = None if account is None else account.user.password_hash
        if not self._matches(password_hash, credentials, address) or account is None:
            raise NotAuthenticated(_WRONG)
        # Only after the right password: a stranger learns nothing about the account.
        _check_enabled(account)
        return identity_of(account, TokenScope.ADMIN)

    def _matches(
        self, password_hash: str | None, credentials: PasswordCredentials, address: str
    ) -> bool:
        name, password = credentials.name, credentials.password
        if len(password) > MAX_PASSWORD_CHARACTERS:
            return False
        if password_hash is not None and self._verified.holds(password_hash, password):
            return True
        self._limiter.check(account=name, address=address)
        if not self._passwords.matches(password_hash, password):
            self._limiter.record_failure(account=name, address=address)
            return False
        if password_hash is not None:
            self._verified.remember(password_hash, password)
        self._limiter.forgive(account=name)
        return True

    def _is_use_due(self, token: Token, now: datetime) -> bool:
        """Whether it should be written down that the token is in use."""
        last = self._uses.get(token.token_id, token.last_used)
        return last is None or now - last >= _USE_INTERVAL

    def _note_use(self, token: Token, now: datetime) -> None:
        with self._lock:
            if not self._is_use_due(token, now):
                return
            if len(self._uses) >= _MOST_USES:
                self._uses.clear()
            self._uses[token.token_id] = now
        try:
            self._directory.record_use(token, now)
        except ServiceBusy:
            # Nobody is refused because a time could not be written down.
            _logger.info("the use of token %d was not recorded", token.token_id)


def is_own_token(credentials: Credentials) -> TypeGuard[TokenCredentials]:
    """Whether they are a token that only we can have issued."""
    return isinstance(credentials, TokenCredentials) and not _is_foreign(credentials.token)


def _is_foreign(token: str) -> bool:
    """Whether it looks like a signed token (JWS) and not like one of ours."""
    return not token.startswith(PREFIX) and token.count(".") == _JWS_STOPS


def _identified(
    account: KnownAccount, token: Token, credentials: TokenCredentials, now: datetime
) -> Identity:
    """The holder of a token; NotAuthenticated if it, or the account, is no longer good."""
    _check_token(token, now)
    _check_enabled(account)
    identity = identity_of(account, token.scope, expires=token.expires)
    return replace(identity, bearer=credentials.token)


def _check_token(token: Token, now: datetime) -> None:
    if token.revoked:
        raise NotAuthenticated("the token was revoked")
    if token.expires is not None and token.expires <= now:
        raise NotAuthenticated(f"the token expired at {token.expires:%Y-%m-%dT%H:%M:%SZ}")


def _check_enabled(account: KnownAccount) -> None:
    if account.user.disabled:
        raise NotAuthenticated(f"the account {account.user.name!r} is disabled")
