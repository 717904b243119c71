"""AccountDirectory: accounts, tokens and memberships as of now, read once until they change.

Each look-up reads the two generation counters, which is one row each; only when one of them
has moved, or a membership has ended, is anything else read. So a change made by any process
holds from the next request on, and a request costs one cheap read.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from vospace_server.auth.memberships import Memberships
from vospace_server.database.engine import Database
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.domain.account import IdentityKind, Token, User
from vospace_server.domain.identity import Identity
from vospace_server.domain.token_scope import TokenScope

_MOST_ENTRIES = 10_000


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownAccount:
    """An account with the groups it belongs to; of a token that led to it, that token too."""

    user: User
    groups: frozenset[str]
    token: Token | None = None


def identity_of(
    account: KnownAccount, scope: TokenScope, *, expires: datetime | None = None
) -> Identity:
    """The account as the caller of a request, with a credential of this scope and end."""
    return Identity(
        user_id=account.user.user_id,
        name=account.user.name,
        groups=account.groups,
        is_admin=account.user.is_admin,
        scope=scope,
        expires=expires,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Remembered:
    account: KnownAccount | None
    generations: tuple[int, ...]
    valid_until: datetime | None


class AccountDirectory:
    """Finds accounts by name and by token digest; shared by all threads of a process."""

    def __init__(
        self,
        *,
        database: Database,
        memberships: Memberships,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._database = database
        self._memberships = memberships
        self._clock = clock
        # Guards _remembered. Held for dictionary operations only, never while reading.
        self._lock = threading.Lock()
        self._remembered: dict[tuple[str, str], _Remembered] = {}

    def by_name(self, name: str) -> KnownAccount | None:
        """The account of this name, disabled or not; None if there is none."""
        return self._find("name", name, lambda unit: (unit.users.by_name(name), None))

    def by_token(self, digest: str) -> KnownAccount | None:
        """The account of the token with this digest, usable or not; None if there is none."""

        def read(unit: UnitOfWork) -> tuple[User | None, Token | None]:
            token = unit.tokens.by_digest(digest)
            return (None if token is None else unit.users.by_id(token.user_id)), token

        return self._find("token", digest, read)

    def by_identity(self, kind: IdentityKind, value: str) -> KnownAccount | None:
        """The account that is known by this as well, disabled or not; None if there is none."""
        return self._find(
            kind.value, value, lambda unit: (unit.users.by_identity(kind, value), None)
        )

    def record_use(self, token: Token, at: datetime) -> None:
        """Keeps when a token was used last; also in memory, to ask again only much later."""
        with self._database.write() as unit:
            unit.tokens.set_last_used(token.token_id, at)

    def _find(
        self,
        kind: str,
        key: str,
        read: Callable[[UnitOfWork], tuple[User | None, Token | None]],
    ) -> KnownAccount | None:
        now = self._clock()
        with self._lock:
            remembered = self._remembered.get((kind, key))
        with self._database.read() as unit:
            # Read in the same transaction as the rows: they belong to this generation even
            # if a change is committed meanwhile.
            generations = unit.users.generations()
            if remembered is not None and _holds(remembered, generations, now):
                return remembered.account
            fresh = self._load(unit, read, generations, now)
        if fresh.account is None:
            # Names that nobody has are not remembered: there is no end of them.
            return None
        with self._lock:
            if len(self._remembered) >= _MOST_ENTRIES:
                self._remembered.clear()
            self._remembered[kind, key] = fresh
        return fresh.account

    def _load(
        self,
        unit: UnitOfWork,
        read: Callable[[UnitOfWork], tuple[User | None, Token | None]],
        generations: tuple[int, ...],
        now: datetime,
    ) -> _Remembered:
        user, token = read(unit)
        if user is None:
            return _Remembered(account=None, generations=generations, valid_until=None)
        expansion = self._memberships.of(user, unit, now=now)
        account = KnownAccount(user=user, groups=expansion.group_uris, token=token)
        return _Remembered(
            account=account, generations=generations, valid_until=expansion.valid_until
        )


def _holds(remembered: _Remembered, generations: tuple[int, ...], now: datetime) -> bool:
    ended = remembered.valid_until is not None and remembered.valid_until <= now
    return remembered.generations == generations and not ended
