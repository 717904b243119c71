"""What a request may present: nothing, a password, a token, or a certificate."""

import base64
import binascii
from dataclasses import dataclass, field

from vospace_model.faults import NotAuthenticated


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordCredentials:
    """A user name and a password, from Basic or from the login form."""

    name: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCredentials:
    """A bearer token."""

    token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateCredentials:
    """A chain that TLS has verified: in DER, from the client's certificate to the authority."""

    chain: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedNameCredentials:
    """A distinguished name that a proxy has verified, which has shown that it is ours."""

    name: str


Credentials = (
    PasswordCredentials | TokenCredentials | CertificateCredentials | TrustedNameCredentials
)


def read_authorization(value: str) -> Credentials:
    """The credentials in an Authorization header (RFC 7617, RFC 6750); schemes in any case.

    Raises NotAuthenticated, because somebody who sends this means to be known.
    """
    scheme, _, rest = value.strip().partition(" ")
    if scheme.lower() == "bearer":
        return read_token(rest)
    if scheme.lower() == "basic":
        return _read_basic(rest.strip())
    raise NotAuthenticated("the Authorization header must be Basic or Bearer")


def read_token(text: str) -> TokenCredentials:
    """A token as a header carries it. Raises NotAuthenticated for an empty one."""
    if not text.strip():
        raise NotAuthenticated("the token is empty")
    return TokenCredentials(token=text.strip())


def _read_basic(text: str) -> PasswordCredentials:
    try:
        decoded = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NotAuthenticated("the Basic credentials are not base64") from error
    name, colon, password = decoded.partition(b":")
    if not colon:
        raise NotAuthenticated("the Basic credentials hold no colon")
    try:
        known_as = name.decode()
    except UnicodeDecodeError as error:
        raise NotAuthenticated("the user name is not UTF-8") from error
    return PasswordCredentials(
        name=known_as, password=password.decode("utf-8", "surrogateescape")
    )
