"""Sessions as credentials: the cookie of a browser, and the proof that a page of ours sent it.

A browser adds a cookie to whatever another site makes it send. So a session counts for an
unsafe request only when the browser says that the request comes from our own origin, and when
the request carries the session's CSRF token, which no other site can read: in the header
`X-CSRF-Token`, or in the form of a page (`web/forms.py` looks for it there). Requests with a
token or a certificate carry nothing that a browser adds by itself and need neither.

Over https the cookie is called `__Host-vospace` and is Secure. Over plain http it is called
`vospace`, without Secure, and is given to loopback addresses only: elsewhere a password and a
cookie would cross a network for everybody to read.
"""

import hmac
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import Scope

from vospace_model.faults import PermissionDenied
from vospace_server.auth.delegation import Delegation
from vospace_server.domain.identity import Identity
from vospace_server.domain.session import Session
from vospace_server.domain.token_scope import TokenScope
from vospace_server.http.challenges import base_url
from vospace_server.http.threads import in_thread
from vospace_server.services.sessions import SessionService

CSRF_HEADER: Final = "x-csrf-token"
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})

_SESSION: Final = "vospace.session"
_ENDED: Final = "vospace.session_ended"
_SECURE_NAME: Final = "__Host-vospace"
_PLAIN_NAME: Final = "vospace"
# A cookie that is longer is none of ours, and is not hashed.
_MAX_COOKIE_CHARACTERS: Final = 200


def session_of(connection: HTTPConnection) -> Session | None:
    """The session by which the caller is known; None for other credentials, or for none."""
    session: Session | None = connection.scope.get(_SESSION)
    return session


def has_ended(connection: HTTPConnection) -> bool:
    """Whether the browser sent the cookie of a session that is over."""
    return bool(connection.scope.get(_ENDED, False))


def in_session(scope: Scope, session: Session) -> Scope:
    """A request as it would be in a session that has just begun."""
    return {**scope, _SESSION: session, _ENDED: False}


def check_csrf_token(session: Session, token: str | None) -> None:
    """Raises PermissionDenied unless the token is the session's."""
    if token is None or not hmac.compare_digest(
        token.encode("utf-8", "replace"), session.csrf_secret.encode("ascii")
    ):
        raise PermissionDenied(
            "this request does not come from a page of your session; load the page again"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionCookies:
    """How the cookie is called, read, given and taken away."""

    public_url: str | None = None

    def read(self, scope: Scope) -> str | None:
        """The cookie of a request, None if there is none."""
        cookie = HTTPConnection(scope).cookies.get(self._name(scope))
        return cookie if cookie and len(cookie) <= _MAX_COOKIE_CHARACTERS else None

    def given(self, scope: Scope, cookie: str) -> str:
        """The value of Set-Cookie that gives it, until the browser or we end it."""
        return f"{self._name(scope)}={cookie}; {self._attributes(scope)}"

    def taken(self, scope: Scope) -> str:
        """The value of Set-Cookie that takes it away."""
        return f"{self._name(scope)}=; Max-Age=0; {self._attributes(scope)}"

    def may_be_given(self, scope: Scope) -> bool:
        """Whether nobody on the way can read it: over https, or without a network."""
        return self._is_secure(scope) or _is_loopback(base_url(scope, self.public_url))

    def is_same_origin(self, scope: Scope) -> bool:
        """Whether the browser says that a page of ours made the request."""
        headers = Headers(scope=scope)
        site = headers.get("sec-fetch-site")
        if site is not None:
            return site == "same-origin"
        return headers.get("origin") == base_url(scope, self.public_url)

    def check_same_origin(self, scope: Scope) -> None:
        """Raises PermissionDenied unless a page of ours made the request."""
        if not self.is_same_origin(scope):
            raise PermissionDenied("this request was made by a page of another site")

    def _is_secure(self, scope: Scope) -> bool:
        return base_url(scope, self.public_url).startswith("https:")

    def _name(self, scope: Scope) -> str:
        return _SECURE_NAME if self._is_secure(scope) else _PLAIN_NAME

    def _attributes(self, scope: Scope) -> str:
        secure = "; Secure" if self._is_secure(scope) else ""
        return f"Path=/; HttpOnly; SameSite=Lax{secure}"


class BrowserSessions:
    """From a cookie to an Identity, for the Authentication middleware.

    Under `form_prefixes` the CSRF token may come in the form, where the page looks for it;
    everywhere else an unsafe request without the header is refused here.
    """

    def __init__(
        self,
        *,
        sessions: SessionService,
        delegation: Delegation,
        cookies: SessionCookies,
        form_prefixes: Sequence[str] = (),
    ) -> None:
        self._sessions = sessions
        self._delegation = delegation
        self._cookies = cookies
        self._form_prefixes = tuple(prefix.encode("ascii") for prefix in form_prefixes)

    async def identify(self, scope: Scope) -> Identity | None:
        """Who sent a request without other credentials; None when no session says.

        Raises PermissionDenied for an unsafe request that no page of the session made.
        """
        cookie = self._cookies.read(scope)
        if cookie is None:
            return None
        found = await in_thread(self._find, cookie)
        if found is None:
            scope[_ENDED] = True
            return None
        session, identity = found
        if scope["method"] not in SAFE_METHODS:
            self._check_unsafe(scope, session)
        scope[_SESSION] = session
        return identity

    def _find(self, cookie: str) -> tuple[Session, Identity] | None:
        session = self._sessions.find(cookie)
        if session is None:
            return None
        try:
            # A password was shown when it began, and a password may do whatever its user may.
            return session, self._delegation.identify(session.user_name, TokenScope.ADMIN)
        except PermissionDenied:
            # The account was disabled meanwhile.
            return None

    def _check_unsafe(self, scope: Scope, session: Session) -> None:
        self._cookies.check_same_origin(scope)
        token = Headers(scope=scope).get(CSRF_HEADER)
        if token is None and scope["raw_path"].startswith(self._form_prefixes):
            return
        check_csrf_token(session, token)


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
