"""How to log in, said to whoever has to: the challenges of RFC 9110 and of IVOA's SSO 2.

They go out with every 401, and with the capabilities for callers who came without credentials,
which is where IVOA's clients look for them first.
"""

import re
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import Scope

LOGIN_STANDARD_ID = "ivo://ivoa.net/sso#tls-with-password"
LOGIN_PATH = "/ac/login"

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
    """The WWW-Authenticate headers that we send."""

    realm: str
    public_url: str | None = None

    def headers(self, scope: Scope) -> list[tuple[bytes, bytes]]:
        """One header for each way to log in."""
        realm = self.realm.replace("\\", "").replace('"', "")
        login = base_url(scope, self.public_url) + LOGIN_PATH
        challenges = [
            "Bearer",
            f'ivoa_bearer standard_id="{LOGIN_STANDARD_ID}", access_url="{login}"',
        ]
        # A page asks for the password itself; a browser would open a window of its own.
        if "sec-fetch-mode" not in Headers(scope=scope):
            challenges.insert(0, f'Basic realm="{realm}", charset="UTF-8"')
        return [(b"www-authenticate", text.encode("latin-1", "replace")) for text in challenges]
