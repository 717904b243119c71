"""Middleware: takes the credentials out of a request and puts the Caller into its scope."""

from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vospace_model.faults import NotAuthenticated
from vospace_server.auth.authenticator import Authenticator
from vospace_server.auth.credentials import Credentials, read_authorization, read_token
from vospace_server.domain.identity import ANONYMOUS, Caller, Identity
from vospace_server.http.browser_sessions import BrowserSessions
from vospace_server.http.challenges import Challenges
from vospace_server.http.request_log import CALLER_NAME
from vospace_server.http.threads import in_thread

AUTHENTICATED_HEADER = "x-vo-authenticated"
# CADC's clients send a token in both; either may come alone.
_DELEGATION_HEADER = "x-cadc-delegationtoken"
_CALLER = "vospace.caller"
_CAPABILITIES = b"/capabilities"


def caller_of(connection: HTTPConnection) -> Caller:
    """Who sent the request."""
    caller: Caller = connection.scope[_CALLER]
    return caller


def client_address(scope: Scope) -> str:
    """The address of the client, as far as the server knows it."""
    client = scope.get("client")
    return client[0] if client else ""


class Authentication:
    """Authenticates each request, once, before any endpoint sees it.

    Credentials that are wrong raise NotAuthenticated, also where none are needed: somebody who
    presents a token that has expired wants to hear so, not to find a half-empty space. Paths
    under `open_prefixes` are not looked at, because they carry their own authority (the tickets
    of the byte endpoints, to which clients send their other credentials too) or none. Where a
    request has no credentials of its own, the session of a browser counts, if `sessions` are
    given (see http/browser_sessions.py).
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        authenticator: Authenticator,
        challenges: Challenges,
        open_prefixes: Sequence[str] = (),
        sessions: BrowserSessions | None = None,
    ) -> None:
        self._app = app
        self._authenticator = authenticator
        self._challenges = challenges
        self._sessions = sessions
        self._open_prefixes = tuple(prefix.encode("ascii") for prefix in open_prefixes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request on behalf of whoever sent it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope[_CALLER] = caller = await self._caller(scope)
        extra = self._headers_for(caller, scope)
        if not extra:
            await self._app(scope, receive, send)
            return

        async def announcing_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *extra]}
            await send(message)

        await self._app(scope, receive, announcing_send)

    async def _caller(self, scope: Scope) -> Caller:
        if scope["raw_path"].startswith(self._open_prefixes):
            return ANONYMOUS
        credentials = _credentials(Headers(scope=scope))
        if credentials is None:
            identity = None if self._sessions is None else await self._sessions.identify(scope)
        else:
            identity = await in_thread(
                self._authenticator.authenticate, credentials, address=client_address(scope)
            )
        if identity is None:
            return ANONYMOUS
        scope[CALLER_NAME] = identity.name
        return identity

    def _headers_for(self, caller: Caller, scope: Scope) -> list[tuple[bytes, bytes]]:
        if isinstance(caller, Identity):
            return [(AUTHENTICATED_HEADER.encode("ascii"), caller.name.encode("ascii"))]
        if scope["raw_path"].endswith(_CAPABILITIES):
            return self._challenges.headers(scope)
        return []


def _credentials(headers: Headers) -> Credentials | None:
    """The credentials of a request; None if it has none at all."""
    values = headers.getlist("authorization")
    if len(values) > 1:
        raise NotAuthenticated("there is more than one Authorization header")
    if values:
        return read_authorization(values[0])
    token = headers.get(_DELEGATION_HEADER)
    return None if token is None else read_token(token)
