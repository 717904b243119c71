"""Logging in with the tokens of another issuer; loaded only where one is configured.

It needs joserfc, which comes with the extra [oidc].
"""

from vospace_server.auth.directory import AccountDirectory
from vospace_server.auth.issuer_keys import IssuerKeys
from vospace_server.auth.issuer_login import IssuerLogin, IssuerRules
from vospace_server.config import OidcSection
from vospace_server.remote.issuer_documents import IssuerDocuments
from vospace_server.services.accounts import AccountService


def build_issuer_login(
    settings: OidcSection, directory: AccountDirectory, accounts: AccountService
) -> IssuerLogin:
    """The login of the configured issuer."""
    assert settings.issuer is not None
    return IssuerLogin(
        rules=IssuerRules(
            issuer=settings.issuer,
            audience=settings.audience,
            algorithms=settings.algorithms,
            leeway_seconds=settings.leeway_seconds,
            name_claim=settings.name_claim,
            groups_claim=settings.groups_claim,
            group_service=settings.group_service,
        ),
        keys=IssuerKeys(
            IssuerDocuments(settings.issuer, ca_file=settings.ca_file),
            fresh_seconds=settings.keys_seconds,
        ),
        directory=directory,
        provision=accounts.provision if settings.auto_provision else None,
    )
