"""Who the mount is to the service: token, password, certificate, or nobody.

The order of search is a promise (docs/semantics.md): option, environment,
`~/.config/vofs/token`, `~/.netrc`, `~/.ssl/cadcproxy.pem`, else anonymous.
"""

import datetime as dt
import netrc
import ssl
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from cryptography import x509
from typing_extensions import override

from vofs.client.errors import CredentialRejected


@dataclass(frozen=True, slots=True, kw_only=True)
class Anonymous:
    """Nobody: the mount reads what is public."""

    source: str = "no credentials found"


@dataclass(frozen=True, slots=True, kw_only=True)
class BearerToken:
    """A token; when it came from a file, the file is read again after a refusal."""

    token: str = field(repr=False)
    source: str
    path: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Password:
    """A user name and a password, sent as HTTP Basic."""

    user: str
    password: str = field(repr=False)
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCertificate:
    """A PEM file that holds certificate, key and chain, as `cadcproxy.pem` does."""

    path: Path
    source: str


Credentials = Anonymous | BearerToken | Password | ClientCertificate


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialOptions:
    """What the user said about credentials; everything may be left out."""

    token: str | None = field(default=None, repr=False)
    token_file: Path | None = None
    certfile: Path | None = None
    # Ask ~/.netrc before everything but the options, as `vos -n` does.
    prefer_netrc: bool = False
    anonymous: bool = False
    home: Path = field(default_factory=Path.home)


def find_credentials(
    options: CredentialOptions, *, host: str, secure: bool, environment: Mapping[str, str]
) -> Credentials:
    """The first credentials in the documented order that fit the service.

    `secure` says whether the service is reached by TLS: without it a certificate can't be
    shown. Raises CredentialRejected when what was asked for by name can't be used.
    """
    if options.anonymous:
        return Anonymous(source="as asked")
    chosen = _from_options(options, host=host, secure=secure)
    if chosen is None:
        chosen = _from_environment(environment, secure=secure)
    if chosen is None:
        chosen = _from_files(options.home, host=host, secure=secure, environment=environment)
    return chosen if chosen is not None else Anonymous()


def _from_options(options: CredentialOptions, *, host: str, secure: bool) -> Credentials | None:
    if options.token is not None:
        return BearerToken(token=options.token, source="--token")
    if options.token_file is not None:
        return _token_in(options.token_file)
    if options.certfile is not None:
        return _certificate(options.certfile, secure=secure)
    if options.prefer_netrc:
        found = _netrc_entry(options.home / ".netrc", host)
        if found is None:
            raise CredentialRejected(f"~/.netrc has no entry for the machine {host}")
        return found
    return None


def _from_environment(environment: Mapping[str, str], *, secure: bool) -> Credentials | None:
    if token := environment.get("VOSPACE_TOKEN"):
        return BearerToken(token=token.strip(), source="VOSPACE_TOKEN")
    if token_file := environment.get("VOSPACE_TOKEN_FILE"):
        return _token_in(Path(token_file))
    if certfile := environment.get("VOSPACE_CERTFILE"):
        return _certificate(Path(certfile), secure=secure)
    return None


def _from_files(
    home: Path, *, host: str, secure: bool, environment: Mapping[str, str]
) -> Credentials | None:
    token_file = home / ".config" / "vofs" / "token"
    if token_file.is_file():
        return _token_in(token_file)
    entry = _netrc_entry(Path(environment.get("NETRC") or home / ".netrc"), host)
    if entry is not None:
        return entry
    proxy = home / ".ssl" / "cadcproxy.pem"
    # Without TLS the certificate can't be shown, and it wasn't asked for by name.
    if secure and proxy.is_file():
        return _certificate(proxy, secure=secure)
    return None


def _token_in(path: Path) -> BearerToken:
    return BearerToken(token=read_token(path), source=str(path), path=path)


def read_token(path: Path) -> str:
    """The token that is alone in the file; raises CredentialRejected when there is none."""
    try:
        token = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CredentialRejected(f"the token file {path} can't be read: {error}") from error
    if not token or any(character.isspace() for character in token):
        raise CredentialRejected(f"the file {path} doesn't hold one token")
    return token


def _netrc_entry(path: Path, host: str) -> Password | None:
    if not path.is_file():
        return None
    try:
        entry = netrc.netrc(str(path)).authenticators(host)
    except (OSError, netrc.NetrcParseError) as error:
        raise CredentialRejected(f"{path} can't be used: {error}") from error
    if entry is None or not entry[0]:
        return None
    return Password(user=entry[0], password=entry[2] or "", source=str(path))


def _certificate(path: Path, *, secure: bool) -> ClientCertificate:
    if not secure:
        raise CredentialRejected(
            f"the certificate {path} can't be shown to a service that is reached by http://"
        )
    check_certificate(path)
    return ClientCertificate(path=path, source=str(path))


def check_certificate(path: Path) -> None:
    """Raises CredentialRejected with the date when a certificate of the file has expired."""
    try:
        chain = x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        raise CredentialRejected(f"the certificate {path} can't be read: {error}") from error
    now = dt.datetime.now(dt.UTC)
    for certificate in chain:
        end = certificate.not_valid_after_utc
        if end < now:
            raise CredentialRejected(
                f"the certificate {path} expired on {end:%Y-%m-%d %H:%M} UTC"
            )


def tls_context(credentials: Credentials, *, ca_file: Path | None) -> ssl.SSLContext:
    """The TLS settings that show the certificate, if that is what we have."""
    context = ssl.create_default_context(cafile=ca_file)
    if isinstance(credentials, ClientCertificate):
        try:
            context.load_cert_chain(credentials.path)
        except (OSError, ssl.SSLError) as error:
            raise CredentialRejected(
                f"the certificate {credentials.path} can't be used: {error}"
            ) from error
    return context


class _TokenAuth(httpx.Auth):
    """Sends the token; after a refusal reads its file again, for tokens are renewed there."""

    def __init__(self, credentials: BearerToken) -> None:
        self._token = credentials.token
        self._path = credentials.path

    @override
    def auth_flow(
        self, request: httpx.Request
    ) -> Generator[httpx.Request, httpx.Response, None]:
        used = self._token
        request.headers["Authorization"] = f"Bearer {used}"
        response = yield request
        if response.status_code != httpx.codes.UNAUTHORIZED or self._path is None:
            return
        renewed = read_token(self._path)
        if renewed == used:
            return
        self._token = renewed
        request.headers["Authorization"] = f"Bearer {renewed}"
        yield request


def auth_of(credentials: Credentials) -> httpx.Auth | None:
    """What httpx adds to each request for these credentials."""
    match credentials:
        case BearerToken():
            return _TokenAuth(credentials)
        case Password():
            return httpx.BasicAuth(credentials.user, credentials.password)
        case Anonymous() | ClientCertificate():
            return None


def describe_credentials(credentials: Credentials) -> str:
    """What is shown to the service, for a message: never the secret itself."""
    match credentials:
        case BearerToken():
            return f"the token of {credentials.source}"
        case Password():
            return f"the password of {credentials.user} (from {credentials.source})"
        case ClientCertificate():
            return f"the certificate {credentials.path}"
        case Anonymous():
            return f"an anonymous caller ({credentials.source})"
