"""The making of certificates: an authority of our own, and proxies for its users (RFC 3820)."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID

from vospace_server.domain.token_scope import TokenScope

PROXY_INFORMATION: Final = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.14")
# Of ours alone, in certificates of our own authority: the scope of who asked for it.
SCOPE_EXTENSION: Final = x509.ObjectIdentifier("2.25.243571869372409481206175493380217563817")
_AUTHORITY_LIFE: Final = timedelta(days=3653)
# Clients' clocks differ from ours.
_BEFORE: Final = timedelta(minutes=5)
# ProxyCertInfo with the policy "inherit all": the proxy may do what its holder may.
_INHERIT_ALL: Final = bytes.fromhex("300c300a06082b06010505071501")
_RSA_BITS: Final = 2048
_RSA_EXPONENT: Final = 65537


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """A certificate authority: its certificate, and the key that only we have."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> str:
        """The certificate as others may have it."""
        return self.certificate.public_bytes(Encoding.PEM).decode("ascii")

    @property
    def der(self) -> bytes:
        """The certificate as a verified chain ends in it."""
        return self.certificate.public_bytes(Encoding.DER)

    def to_secret(self) -> bytes:
        """Certificate and key in one text, to be kept."""
        key = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return self.pem.encode("ascii") + key


def read_authority(secret: bytes) -> Authority:
    """The inverse of `to_secret`."""
    key = load_pem_private_key(secret, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return Authority(certificate=x509.load_pem_x509_certificate(secret), key=key)


def make_authority(organization: str, *, now: datetime) -> Authority:
    """A new authority, which signs certificates of holders and nothing below them."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(organization, "vospace-server certificate authority")
    certificate = (
        _begin(subject, subject, key.public_key(), now)
        .not_valid_after(now + _AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .sign(key, hashes.SHA256())
    )
    return Authority(certificate=certificate, key=key)


def make_proxy(
    authority: Authority, user: str, scope: TokenScope, *, now: datetime, until: datetime
) -> str:
    """Certificate, key and chain in one PEM text, as grid clients keep them.

    The holder's own key signs one proxy and is forgotten: what is handed out can act for the
    user until then, and can't be made to last longer.
    """
    holder_key = ec.generate_private_key(ec.SECP256R1())
    organization = authority.certificate.subject.get_attributes_for_oid(
        x509.NameOID.ORGANIZATION_NAME
    )[0].value
    holder = _make_holder(
        authority, _name(str(organization), user), holder_key, scope, (now, until)
    )
    key = rsa.generate_private_key(_RSA_EXPONENT, _RSA_BITS)
    # RFC 3820: the name of the holder and one more part, of which no two are alike.
    unique = x509.NameAttribute(x509.NameOID.COMMON_NAME, str(secrets.randbits(63)))
    proxy_name = x509.Name([*holder.subject, unique])
    proxy = (
        _begin(proxy_name, holder.subject, key.public_key(), now)
        .not_valid_after(until)
        .add_extension(_usage(), critical=True)
        .add_extension(
            x509.UnrecognizedExtension(PROXY_INFORMATION, _INHERIT_ALL), critical=True
        )
        .sign(holder_key, hashes.SHA256())
    )
    # The older form of the key is the one that every grid client reads.
    key_text = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    parts = (proxy.public_bytes(Encoding.PEM), key_text, holder.public_bytes(Encoding.PEM))
    return b"".join(parts).decode("ascii")


def _make_holder(
    authority: Authority,
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    scope: TokenScope,
    life: tuple[datetime, datetime],
) -> x509.Certificate:
    begin, end = life
    return (
        _begin(subject, authority.certificate.subject, key.public_key(), begin)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False)
        .add_extension(
            x509.UnrecognizedExtension(SCOPE_EXTENSION, scope.label.encode("ascii")), False
        )
        .sign(authority.key, hashes.SHA256())
    )


def _begin(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey,
    now: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BEFORE)
    )


def _name(organization: str, common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, organization[:64]),
            x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name),
        ]
    )


def _usage(*, signs_certificates: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
