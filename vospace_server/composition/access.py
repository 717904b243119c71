"""Who may come in, and how they show who they are."""

from dataclasses import dataclass
from datetime import timedelta

from vospace_server.auth.authenticator import Authenticator, IssuedTokens, OtherLogins
from vospace_server.auth.certificate_login import CertificateLogin
from vospace_server.auth.delegation import Delegation
from vospace_server.auth.directory import AccountDirectory
from vospace_server.auth.failure_limiter import FailureLimiter
from vospace_server.auth.memberships import Memberships
from vospace_server.auth.passwords import Passwords
from vospace_server.auth.verified_passwords import VerifiedPasswords
from vospace_server.composition.naming import group_naming
from vospace_server.config import ConfigError, ServerConfig
from vospace_server.database.engine import Database
from vospace_server.services.accounts import AccountService
from vospace_server.services.certificates import CertificateService
from vospace_server.services.service_states import ServiceStateService


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who may come in."""

    authenticator: Authenticator
    delegation: Delegation
    accounts: AccountService
    certificates: CertificateService
    states: ServiceStateService


def build_access(config: ServerConfig, database: Database) -> Access:
    """Everything by which a request becomes a caller."""
    settings = config.authentication
    passwords = Passwords(concurrent_checks=settings.concurrent_checks)
    directory = AccountDirectory(
        database=database, memberships=Memberships(naming=group_naming(config))
    )
    certificates = build_certificates(config, database)
    accounts = AccountService(database=database, hash_password=passwords.hash)
    authenticator = Authenticator(
        directory=directory,
        passwords=passwords,
        verified=VerifiedPasswords(lifetime_seconds=settings.verified_seconds),
        limiter=FailureLimiter(
            per_account=settings.failures_per_account,
            per_address=settings.failures_per_address,
        ),
        others=OtherLogins(
            certificates=CertificateLogin(
                directory=directory, own_authorities=certificates.encoded
            ),
            issuer=_issuer_login(config, directory, accounts),
        ),
    )
    return Access(
        authenticator=authenticator,
        delegation=Delegation(directory=directory),
        accounts=accounts,
        certificates=certificates,
        states=ServiceStateService(database=database),
    )


def _issuer_login(
    config: ServerConfig, directory: AccountDirectory, accounts: AccountService
) -> IssuedTokens | None:
    if config.oidc.issuer is None:
        return None
    try:
        # Loaded here because joserfc comes with the extra [oidc] only.
        from vospace_server.composition.issuers import build_issuer_login  # noqa: PLC0415
    except ImportError as error:
        raise ConfigError(
            f"oidc.issuer needs the extra [oidc]: pip install 'vospace[oidc]' ({error})"
        ) from None
    return build_issuer_login(config.oidc, directory, accounts)


def build_certificates(config: ServerConfig, database: Database) -> CertificateService:
    """The authority that signs the certificates of our users."""
    return CertificateService(
        database=database,
        organization=config.service.authority,
        longest=timedelta(days=config.authentication.certificate_days),
    )
