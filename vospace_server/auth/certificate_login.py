"""CertificateLogin: from a verified certificate, or a name that a proxy vouches for, to a user.

A certificate of our own authority names the account itself. Any other is somebody's when an
administrator has said so: `vospace-server user add NAME --dn DN`.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from vospace_model.faults import NotAuthenticated, PermissionDenied
from vospace_server.auth.client_certificate import ClientCertificate, read_certificate
from vospace_server.auth.credentials import CertificateCredentials, TrustedNameCredentials
from vospace_server.auth.directory import AccountDirectory, KnownAccount, identity_of
from vospace_server.domain.account import IdentityKind
from vospace_server.domain.distinguished_name import NotADistinguishedNameError, normalise_dn
from vospace_server.domain.identity import Identity
from vospace_server.domain.token_scope import TokenScope

_MOST_SUBJECT_CHARACTERS: Final = 300


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateLogin:
    """Shared by all threads. `own_authorities` gives the certificates of ours, in DER."""

    directory: AccountDirectory
    own_authorities: Callable[[], Collection[bytes]]
    clock: Callable[[], datetime] = _now

    def identify(self, credentials: CertificateCredentials) -> Identity:
        """The user; NotAuthenticated for a bad certificate, PermissionDenied for a stranger."""
        holder = read_certificate(credentials.chain, now=self.clock())
        if holder.authority in self.own_authorities():
            return self._own(holder)
        account = self.directory.by_identity(IdentityKind.X500, holder.name)
        return identity_of(
            _known(account, holder.subject), TokenScope.ADMIN, expires=holder.expires
        )

    def identify_name(self, credentials: TrustedNameCredentials) -> Identity:
        """The user whom a trusted proxy has named; the proxy has verified the certificate."""
        try:
            name = normalise_dn(credentials.name)
        except NotADistinguishedNameError as error:
            raise NotAuthenticated(str(error)) from error
        account = self.directory.by_identity(IdentityKind.X500, name)
        return identity_of(_known(account, credentials.name), TokenScope.ADMIN)

    def _own(self, holder: ClientCertificate) -> Identity:
        account = self.directory.by_name(holder.common_name)
        # Ours, but with nothing of ours in it: somebody has used the key for other ends.
        if holder.scope is None:
            raise NotAuthenticated(f"{holder.subject} is no certificate for logging in")
        return identity_of(
            _known(account, holder.subject), holder.scope, expires=holder.expires
        )


def _known(account: KnownAccount | None, subject: str) -> KnownAccount:
    """The account; PermissionDenied (GMS 1.0, 3.1: identity not known) if there is none."""
    shown = subject[:_MOST_SUBJECT_CHARACTERS]
    if account is None:
        raise PermissionDenied(
            f"identity not known: the certificate of {shown!r} is valid, but no account has "
            "this name; ask an administrator to add it"
        )
    if account.user.disabled:
        raise NotAuthenticated(f"the account {account.user.name!r} is disabled")
    return account
