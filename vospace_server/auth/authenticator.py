"""Authenticator: credentials become an Identity, or a refusal that says why in one line."""

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from vospace_model.faults import NotAuthenticated, ServiceBusy
from vospace_server.auth.credentials import (
    Credentials,
    PasswordCredentials,
    TokenCredentials,
)
from vospace_server.auth.directory import AccountDirectory, KnownAccount
from vospace_server.auth.failure_limiter import FailureLimiter
from vospace_server.auth.passwords import Passwords
from vospace_server.auth.verified_passwords import VerifiedPasswords
from vospace_server.domain.access_token import token_digest
from vospace_server.domain.account import MAX_PASSWORD_CHARACTERS, Token
from vospace_server.domain.identity import Identity, TokenScope

_logger = logging.getLogger(__name__)

# The use of a token is a write; once per this long is enough to see which are in use.
_USE_INTERVAL = timedelta(minutes=15)
_MOST_USES = 10_000
# One sentence for both, so that an answer does not tell which accounts exist.
_WRONG = "wrong user name or password"


def _now() -> datetime:
    return datetime.now(UTC)


class Authenticator:
    """Checks passwords and tokens; shared by all threads of a process.

    Raises NotAuthenticated for credentials that are wrong, expired, revoked or of a disabled
    account, and ServiceBusy when there were too many wrong passwords.
    """

    def __init__(
        self,
        *,
        directory: AccountDirectory,
        passwords: Passwords,
        verified: VerifiedPasswords,
        limiter: FailureLimiter,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._directory = directory
        self._passwords = passwords
        self._verified = verified
        self._limiter = limiter
        self._clock = clock
        # Guards _uses.
        self._lock = threading.Lock()
        # Token id -> when this process last recorded its use.
        self._uses: dict[int, datetime] = {}

    def authenticate(self, credentials: Credentials, *, address: str) -> Identity:
        """Who presents the credentials; `address` is the client's, against which to count."""
        if isinstance(credentials, TokenCredentials):
            return replace(self._by_token(credentials), bearer=credentials.token)
        return self._by_password(credentials, address)

    def _by_token(self, credentials: TokenCredentials) -> Identity:
        account = self._directory.by_token(token_digest(credentials.token))
        if account is None or account.token is None:
            raise NotAuthenticated("the token is unknown")
        now = self._clock()
        _check_token(account.token, now)
        _check_enabled(account)
        self._note_use(account.token, now)
        return _identity(account, account.token.scope)

    def _by_password(self, credentials: PasswordCredentials, address: str) -> Identity:
        account = self._directory.by_name(credentials.name)
        password_hash = None if account is None else account.user.password_hash
        if not self._matches(password_hash, credentials, address) or account is None:
            raise NotAuthenticated(_WRONG)
        # Only after the right password: a stranger learns nothing about the account.
        _check_enabled(account)
        return _identity(account, TokenScope.ADMIN)

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

    def _note_use(self, token: Token, now: datetime) -> None:
        with self._lock:
            last = self._uses.get(token.token_id, token.last_used)
            if last is not None and now - last < _USE_INTERVAL:
                return
            if len(self._uses) >= _MOST_USES:
                self._uses.clear()
            self._uses[token.token_id] = now
        try:
            self._directory.record_use(token, now)
        except ServiceBusy:
            # Nobody is refused because a time could not be written down.
            _logger.info("the use of token %d was not recorded", token.token_id)


def _check_token(token: Token, now: datetime) -> None:
    if token.revoked:
        raise NotAuthenticated("the token was revoked")
    if token.expires is not None and token.expires <= now:
        raise NotAuthenticated(f"the token expired at {token.expires:%Y-%m-%dT%H:%M:%SZ}")


def _check_enabled(account: KnownAccount) -> None:
    if account.user.disabled:
        raise NotAuthenticated(f"the account {account.user.name!r} is disabled")


def _identity(account: KnownAccount, scope: TokenScope) -> Identity:
    return Identity(
        user_id=account.user.user_id,
        name=account.user.name,
        groups=account.groups,
        is_admin=account.user.is_admin,
        scope=scope,
    )
