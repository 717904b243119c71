"""AccountDirectory: accounts, tokens and memberships as of now, read once until they change.

Each look-up reads the two generation counters, which is one row each; only when one of them
has moved, or a membership has ended, is anything else read. So a change made by any process
holds from the next request on, and a request costs one cheap read; none at all while nothing
was committed to an SQLite file, which it tells by itself.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
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
    # The data version before they were read.
    version: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The state of the database that something remembered is compared with."""

    version: int | None
    generations: tuple[int, ...]


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

    def look(self) -> Look:
        """What tells whether that which is remembered still holds; one question for all."""
        # Taken before anything is read: a commit meanwhile makes the next look ask again.
        version = self._database.data_version()
        with self._database.glance() as unit:
            return Look(version=version, generations=unit.users.generations())

    def remembered_by_token(self, digest: str, look: Look | None = None) -> KnownAccount | None:
        """The same as by_token without asking the database, if that is certain; else None.

        It is certain after a `look`, or when nothing at all was committed since the last one.
        """
        with self._lock:
            remembered = self._remembered.get(("token", digest))
        if remembered is None:
            return None
        if look is None:
            return self._certain(remembered)
        fresh = _renewed(remembered, look, self._clock())
        if fresh is None:
            return None
        with self._lock:
            self._remembered["token", digest] = fresh
        return fresh.account

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
        fresh = None if remembered is None else _renewed(remembered, self.look(), now)
        if fresh is None:
            fresh = self._load(read, now)
        if fresh.account is None:
            # Names that nobody has are not remembered: there is no end of them.
            return None
        with self._lock:
            if len(self._remembered) >= _MOST_ENTRIES:
                self._remembered.clear()
            self._remembered[kind, key] = fresh
        return fresh.account

    def _certain(self, remembered: _Remembered) -> KnownAccount | None:
        if remembered.version is None or _has_ended(remembered, self._clock()):
            return None
        if remembered.version != self._database.data_version():
            return None
        return remembered.account

    def _load(
        self,
        read: Callable[[UnitOfWork], tuple[User | None, Token | None]],
        now: datetime,
    ) -> _Remembered:
        version = self._database.data_version()
        with self._database.read() as unit:
            # Read in the same transaction as the rows: they belong to this generation even
            # if a change is committed meanwhile.
            generations = unit.users.generations()
            user, token = read(unit)
            account, valid_until = None, None
            if user is not None:
                expansion = self._memberships.of(user, unit, now=now)
                account = KnownAccount(user=user, groups=expansion.group_uris, token=token)
                valid_until = expansion.valid_until
        return _Remembered(
            account=account, generations=generations, valid_until=valid_until, version=version
        )


def _renewed(remembered: _Remembered, look: Look, now: datetime) -> _Remembered | None:
    """The same as of this look, if it still holds."""
    if remembered.generations != look.generations or _has_ended(remembered, now):
        return None
    return replace(remembered, version=look.version)


def _has_ended(remembered: _Remembered, now: datetime) -> bool:
    return remembered.valid_until is not None and remembered.valid_until <= now
