"""Which credentials a request carries, and what follows when they are no good.

What somebody puts into a request comes first: the Authorization header, CADC's header for
tokens, CADC's cookie. The certificate of the connection comes last, because programs show it
without being asked, from a file of some month ago.
"""

import hmac
from dataclasses import dataclass, field
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import Scope

from vospace_model.faults import NotAuthenticated, PermissionDenied
from vospace_server.auth.credentials import (
    CertificateCredentials,
    Credentials,
    TrustedNameCredentials,
    read_authorization,
    read_token,
)
from vospace_server.http.challenges import base_url
from vospace_server.http.peer_certificate import peer_chain

COOKIE: Final = "CADC_SSO"
# CADC's clients send a token in both; either may come alone.
_DELEGATION_HEADER: Final = "x-cadc-delegationtoken"
_SECRET_HEADER: Final = "x-proxy-secret"  # noqa: S105 - the name of a header
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedProxy:
    """A proxy that ends TLS and names the holder of a client certificate in a header."""

    header: str
    secret: str = field(repr=False)

    def named(self, headers: Headers) -> str | None:
        """The name, if the proxy's secret stands beside it; headers of others mean nothing."""
        names, secrets = headers.getlist(self.header), headers.getlist(_SECRET_HEADER)
        if len(names) != 1 or len(secrets) != 1 or not names[0].strip():
            return None
        known = hmac.compare_digest(secrets[0].encode(), self.secret.encode())
        return names[0] if known else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """Credentials; `by_habit` when the connection brings them, whatever is asked."""

    credentials: Credentials
    by_habit: bool = False


def presented(
    scope: Scope, *, public_url: str | None, trusted_proxy: TrustedProxy | None
) -> Presented | None:
    """What a request shows; None if it shows nothing. Raises NotAuthenticated for nonsense."""
    headers = Headers(scope=scope)
    explicit = _explicit(headers)
    if explicit is not None:
        return Presented(credentials=explicit)
    token = _cookie(headers)
    if token is not None:
        _check_origin(scope, headers, public_url)
        return Presented(credentials=read_token(token))
    chain = peer_chain(scope)
    if chain is not None:
        return Presented(credentials=CertificateCredentials(chain=chain), by_habit=True)
    name = None if trusted_proxy is None else trusted_proxy.named(headers)
    if name is not None:
        return Presented(credentials=TrustedNameCredentials(name=name), by_habit=True)
    return None


def _explicit(headers: Headers) -> Credentials | None:
    values = headers.getlist("authorization")
    if len(values) > 1:
        raise NotAuthenticated("there is more than one Authorization header")
    if values:
        return read_authorization(values[0])
    token = headers.get(_DELEGATION_HEADER)
    return None if token is None else read_token(token)


def _cookie(headers: Headers) -> str | None:
    for header in headers.getlist("cookie"):
        token = cookie_parser(header).get(COOKIE, "").strip('"')
        if token:
            return token
    return None


def _check_origin(scope: Scope, headers: Headers, public_url: str | None) -> None:
    """A browser sends cookies for any page that asks it to; such a page may change nothing."""
    if scope["method"] in _SAFE_METHODS:
        return
    origin = headers.get("origin")
    foreign_origin = origin is not None and origin != base_url(scope, public_url)
    foreign_site = headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}
    if foreign_origin or foreign_site:
        raise PermissionDenied("another site may not use the cookie of this one")
