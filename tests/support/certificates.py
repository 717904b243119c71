"""Certificates of every kind that a client may show, from an authority of the test's own."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

PROXY_INFORMATION = x509.UnrecognizedExtension(
    x509.ObjectIdentifier("1.3.6.1.5.5.7.1.14"), bytes.fromhex("300c300a06082b06010505071501")
)
SIGNS_CERTIFICATES = x509.KeyUsage(
    False, False, False, False, False, True, True, False, False
)  # fmt: skip
SIGNS = x509.KeyUsage(True, False, True, False, False, False, False, False, False)


def name_of(*common_names: str, organization: str = "Grid") -> x509.Name:
    """`O=Grid, CN=…`, one for each common name."""
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization)]
    parts += [x509.NameAttribute(NameOID.COMMON_NAME, each) for each in common_names]
    return x509.Name(parts)


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """A certificate with its key and those that it needs to be verified."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    chain: tuple[x509.Certificate, ...] = ()

    @property
    def der_chain(self) -> tuple[bytes, ...]:
        """What TLS hands over once it has verified all."""
        return tuple(
            each.public_bytes(Encoding.DER) for each in (self.certificate, *self.chain)
        )

    @property
    def distinguished_name(self) -> str:
        """The subject, in the slash form that people write."""
        return "".join(f"/{rdn.rfc4514_string()}" for rdn in self.certificate.subject.rdns)

    def write(self, path: Path) -> Path:
        """One file with certificate, key and chain, as grid clients have it."""
        key = self.key.private_bytes(
            Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
        )
        chain = b"".join(each.public_bytes(Encoding.PEM) for each in self.chain[:-1])
        path.write_bytes(self.certificate.public_bytes(Encoding.PEM) + key + chain)
        path.chmod(0o600)
        return path

    def proxy(self, common_name: str = "123", *, legacy: bool = False) -> "Certificate":
        """A proxy of the holder: RFC 3820, or Globus' older kind (`CN=proxy`, no extension)."""
        subject = x509.Name(
            [*self.certificate.subject, x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
        )
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _begin(subject, self.certificate.subject, key, timedelta(days=1, hours=12))
        builder = builder.add_extension(SIGNS, critical=True)
        if not legacy:
            builder = builder.add_extension(PROXY_INFORMATION, critical=True)
        return Certificate(
            certificate=builder.sign(self.key, hashes.SHA256()),
            key=key,
            chain=(self.certificate, *self.chain),
        )


@dataclass(frozen=True, kw_only=True)
class Authority:
    """A certificate authority that signs for users."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey = field(repr=False)

    @classmethod
    def make(cls, common_name: str = "Test authority") -> Self:
        """A new one that nobody believes in yet."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = name_of(common_name)
        certificate = (
            _begin(subject, subject, key, timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(SIGNS_CERTIFICATES, critical=True)
            .sign(key, hashes.SHA256())
        )
        return cls(certificate=certificate, key=key)

    def write(self, path: Path) -> Path:
        """Its certificate in a file."""
        path.write_bytes(self.certificate.public_bytes(Encoding.PEM))
        return path

    def user(
        self,
        common_name: str,
        *,
        begins: timedelta = timedelta(days=-1),
        lives: timedelta = timedelta(days=2),
        organization: str = "Grid",
    ) -> Certificate:
        """An end-entity certificate of somebody."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = name_of(common_name, organization=organization)
        certificate = (
            _begin(subject, self.certificate.subject, key, lives, begins)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(SIGNS, critical=True)
            .sign(self.key, hashes.SHA256())
        )
        return Certificate(certificate=certificate, key=key, chain=(self.certificate,))


def _begin(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    lives: timedelta,
    begins: timedelta = timedelta(days=-1),
) -> x509.CertificateBuilder:
    start = datetime.now(UTC) + begins
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + lives)
    )
