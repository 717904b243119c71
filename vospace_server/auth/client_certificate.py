"""What a verified chain of certificates says: whose it is, until when, and how far it goes.

OpenSSL has verified the signatures, the rules of authorities and those of proxies (RFC 3820)
when the connection was made. The times are read here, each time, because a connection may
outlive its certificate, and because OpenSSL could not say when it expired.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509

from vospace_model.faults import NotAuthenticated
from vospace_server.domain.distinguished_name import NotADistinguishedNameError, normalise_dn
from vospace_server.domain.proxy_certificate import PROXY_INFORMATION, SCOPE_EXTENSION
from vospace_server.domain.token_scope import TokenScope

# For clocks that differ a little, as with tokens of issuers.
_LEEWAY: Final = timedelta(minutes=1)
_SHORT_NAMES: Final = {
    x509.NameOID.EMAIL_ADDRESS: "emailAddress",
    x509.NameOID.SERIAL_NUMBER: "serialNumber",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCertificate:
    """The holder: subject of the first certificate of the chain that is no proxy.

    `name` is the subject in the one form of distinguished names, `subject` as it is written;
    `authority` is the certificate at the end of the chain, in DER, `scope` what our own
    authority wrote into the holder's certificate.
    """

    name: str
    subject: str
    common_name: str
    expires: datetime
    authority: bytes
    scope: TokenScope | None


def read_certificate(chain: tuple[bytes, ...], *, now: datetime) -> ClientCertificate:
    """The holder of a verified chain, which begins with the client's own certificate.

    Raises NotAuthenticated with a sentence when a certificate is not valid at this time.
    """
    if not chain:
        raise NotAuthenticated("show the certificate in a new connection, not a resumed one")
    certificates = [x509.load_der_x509_certificate(each) for each in chain]
    for each in certificates:
        _check_time(each, now)
    holder = next((each for each in certificates if not _is_proxy(each)), None)
    if holder is None:
        raise NotAuthenticated("the chain of the certificate holds proxies only")
    subject = holder.subject.rfc4514_string(_SHORT_NAMES)
    return ClientCertificate(
        name=_normalised(subject),
        subject=subject,
        common_name=_common_name(holder),
        expires=min(each.not_valid_after_utc for each in certificates),
        authority=chain[-1],
        scope=_scope(holder),
    )


def _check_time(certificate: x509.Certificate, now: datetime) -> None:
    if certificate.not_valid_after_utc < now:
        ended = f"{certificate.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}"
        raise NotAuthenticated(
            f"the certificate {certificate.subject.rfc4514_string()} expired at {ended}; "
            "get a new one, as with cadc-get-cert"
        )
    if certificate.not_valid_before_utc > now + _LEEWAY:
        begins = f"{certificate.not_valid_before_utc:%Y-%m-%dT%H:%M:%SZ}"
        raise NotAuthenticated(
            f"the certificate {certificate.subject.rfc4514_string()} begins at {begins}"
        )


def _is_proxy(certificate: x509.Certificate) -> bool:
    return any(each.oid == PROXY_INFORMATION for each in certificate.extensions)


def _normalised(subject: str) -> str:
    try:
        return normalise_dn(subject)
    except NotADistinguishedNameError as error:
        raise NotAuthenticated(f"the certificate's subject can't be used: {error}") from error


def _common_name(certificate: x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(names[-1].value) if names else ""


def _scope(certificate: x509.Certificate) -> TokenScope | None:
    for each in certificate.extensions:
        if each.oid == SCOPE_EXTENSION:
            assert isinstance(each.value, x509.UnrecognizedExtension)
            return TokenScope.decode(each.value.value.decode("ascii"))
    return None
