"""How to log in, said to whoever has to: the challenges of RFC 9110 and of IVOA's SSO 2.

They go out with every 401, and with the capabilities for callers who came without credentials,
which is where IVOA's clients look for them first.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import Scope

from vospace_model.protocols import SecurityMethodUri

LOGIN_STANDARD_ID = "ivo://ivoa.net/sso#tls-with-password"
LOGIN_PATH = "/ac/login"
TOKEN_PATH = "/ac/token"  # noqa: S105 - an address
PROXY_PATH = "/cred/priv"

REFUSED = "vospace.refused"
"""Set in the scope of a request whose credentials were refused."""

_HOST = re.compile(r"[A-Za-z0-9.\-_:\[\]]{1,255}", re.ASCII)


def base_url(scope: Scope, public_url: str | None) -> str:
    """The address clients reach us at, without a slash at the end.

    The configured one, else what the request says; a Host header that is no host is not
    repeated to anybody.
    """
    if public_url:
        return public_url.rstrip("/")
    host = Headers(scope=scope).get("host", "")
    if not _HOST.fullmatch(host):
        name, port = scope.get("server") or ("localhost", None)
        host = name if port is None else f"{name}:{port}"
    return f"{scope.get('scheme', 'http')}://{host}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenges:
    """The WWW-Authenticate headers that we send.

    `certificates` says that the listener takes client certificates, `issuer` is the OpenID
    issuer whose tokens we take as well.
    """

    realm: str
    public_url: str | None = None
    certificates: bool = False
    issuer: str | None = None

    def headers(self, scope: Scope) -> list[tuple[bytes, bytes]]:
        """One header for each way to log in (SSO 2: contract 3.4).

        After a bearer token that was refused, the one of bearer tokens says so (RFC 6750, 3.1).
        """
        headers = Headers(scope=scope)
        scheme = headers.get("authorization", "").strip().partition(" ")[0]
        return [
            (b"www-authenticate", text.encode("latin-1", "replace"))
            for text in self._challenges(
                base_url(scope, self.public_url),
                by_browser="sec-fetch-mode" in headers,
                refused_token=REFUSED in scope and scheme.lower() == "bearer",
            )
        ]

    def _challenges(self, base: str, *, by_browser: bool, refused_token: bool) -> Iterator[str]:
        realm = self.realm.replace("\\", "").replace('"', "")
        # A page asks for the password itself; a browser would open a window of its own.
        if not by_browser:
            yield f'Basic realm="{realm}", charset="UTF-8"'
        yield 'Bearer error="invalid_token"' if refused_token else "Bearer"
        yield _challenge("ivoa_bearer", LOGIN_STANDARD_ID, base + LOGIN_PATH)
        yield _challenge("ivoa_cookie", LOGIN_STANDARD_ID, base + LOGIN_PATH)
        if self.issuer is not None:
            yield _challenge("ivoa_bearer", SecurityMethodUri.OPENID, self.issuer)
        if self.certificates:
            yield "ivoa_x509"
            yield _challenge("ivoa_x509", SecurityMethodUri.BASIC, base + PROXY_PATH)
            yield _challenge("ivoa_bearer", SecurityMethodUri.CERTIFICATE, base + TOKEN_PATH)


def _challenge(scheme: str, standard_id: str, address: str) -> str:
    return f'{scheme} standard_id="{standard_id}", access_url="{address}"'
