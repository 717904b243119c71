"""Who may come in, and how they show who they are."""

from dataclasses import dataclass

from vospace_server.auth.authenticator import Authenticator
from vospace_server.auth.delegation import Delegation
from vospace_server.auth.directory import AccountDirectory
from vospace_server.auth.failure_limiter import FailureLimiter
from vospace_server.auth.memberships import Memberships
from vospace_server.auth.passwords import Passwords
from vospace_server.auth.verified_passwords import VerifiedPasswords
from vospace_server.composition.naming import group_naming
from vospace_server.config import ServerConfig
from vospace_server.database.engine import Database
from vospace_server.services.accounts import AccountService


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who may come in."""

    authenticator: Authenticator
    delegation: Delegation
    accounts: AccountService


def build_access(config: ServerConfig, database: Database) -> Access:
    """Everything by which a request becomes a caller."""
    settings = config.authentication
    passwords = Passwords(concurrent_checks=settings.concurrent_checks)
    directory = AccountDirectory(
        database=database, memberships=Memberships(naming=group_naming(config))
    )
    authenticator = Authenticator(
        directory=directory,
        passwords=passwords,
        verified=VerifiedPasswords(lifetime_seconds=settings.verified_seconds),
        limiter=FailureLimiter(
            per_account=settings.failures_per_account,
            per_address=settings.failures_per_address,
        ),
    )
    return Access(
        authenticator=authenticator,
        delegation=Delegation(directory=directory),
        accounts=AccountService(database=database, hash_password=passwords.hash),
    )
