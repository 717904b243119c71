"""A database with an authenticator on it, and a clock that the test moves."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typing_extensions import override

from vospace_server.auth.authenticator import Authenticator
from vospace_server.auth.directory import AccountDirectory
from vospace_server.auth.failure_limiter import FailureLimiter
from vospace_server.auth.memberships import Memberships
from vospace_server.auth.passwords import Passwords
from vospace_server.auth.verified_passwords import VerifiedPasswords
from vospace_server.database.engine import Database
from vospace_server.domain.group import GroupNaming
from vospace_server.services.accounts import AccountService
from vospace_server.services.groups import GroupService


@dataclass
class MovableClock:
    """The time that a test says it is."""

    now: datetime = field(default_factory=lambda: datetime(2026, 1, 1, tzinfo=UTC))

    def time(self) -> datetime:
        return self.now

    def seconds(self) -> float:
        return self.now.timestamp()

    def move(self, **span: float) -> None:
        self.now += timedelta(**span)


class CountingPasswords(Passwords):
    """Real passwords that count how often argon2 ran."""

    checks = 0

    @override
    def matches(self, password_hash: str | None, password: str) -> bool:
        self.checks += 1
        return super().matches(password_hash, password)


@dataclass(kw_only=True)
class Desk:
    """Everything that logs people in, on one real database."""

    database: Database
    clock: MovableClock
    passwords: CountingPasswords
    naming: GroupNaming
    accounts: AccountService
    groups: GroupService
    authenticator: Authenticator

    def another_process(self) -> Authenticator:
        """An authenticator that has nothing in common with ours but the database."""
        return make_authenticator(self.database, self.clock, self.passwords, self.naming)


def make_authenticator(
    database: Database, clock: MovableClock, passwords: Passwords, naming: GroupNaming
) -> Authenticator:
    directory = AccountDirectory(
        database=database, memberships=Memberships(naming=naming), clock=clock.time
    )
    return Authenticator(
        directory=directory,
        passwords=passwords,
        verified=VerifiedPasswords(lifetime_seconds=60, clock=clock.seconds),
        limiter=FailureLimiter(per_account=5, per_address=20, clock=clock.seconds),
        clock=clock.time,
    )


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'space.sqlite'}")
    database.upgrade()
    yield database
    database.close()


@pytest.fixture
def desk(database: Database) -> Desk:
    clock = MovableClock()
    passwords = CountingPasswords(concurrent_checks=2)
    naming = GroupNaming(service_id="ivo://localhost/gms", aliases=["ivo://cadc.nrc.ca/gms"])
    return Desk(
        database=database,
        clock=clock,
        passwords=passwords,
        naming=naming,
        accounts=AccountService(
            database=database, hash_password=passwords.hash, clock=clock.time
        ),
        groups=GroupService(database=database, naming=naming, clock=clock.time),
        authenticator=make_authenticator(database, clock, passwords, naming),
    )
