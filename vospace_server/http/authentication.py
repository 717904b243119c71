"""Middleware: takes the credentials out of a request and puts the Caller into its scope."""

from collections.abc import Sequence

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vospace_model.faults import Fault, NotAuthenticated, PermissionDenied
from vospace_server.auth.authenticator import Authenticator, is_own_token
from vospace_server.auth.credentials import Credentials, TokenCredentials
from vospace_server.domain.identity import ANONYMOUS, Caller, Identity
from vospace_server.http.browser_sessions import BrowserSessions
from vospace_server.http.challenges import REFUSED, Challenges
from vospace_server.http.gathering import Gathering
from vospace_server.http.request_credentials import TrustedProxy, presented
from vospace_server.http.request_log import CALLER_NAME
from vospace_server.http.threads import in_thread

AUTHENTICATED_HEADER = "x-vo-authenticated"
_CALLER = "vospace.caller"
_EXCUSE = "vospace.excuse"
_CAPABILITIES = b"/capabilities"


def caller_of(connection: HTTPConnection) -> Caller:
    """Who sent the request."""
    caller: Caller = connection.scope[_CALLER]
    return caller


def as_caller(scope: Scope, caller: Caller) -> Scope:
    """A request as it would be from somebody else."""
    return {**scope, _CALLER: caller}


def refuse_hidden(connection: HTTPConnection, *, readable: bool) -> None:
    """Raises what was wrong with the caller's certificate when that hides something.

    A listing would be empty, or a node half shown, for no reason that the user can see.
    """
    excuse: Fault | None = connection.scope.get(_EXCUSE)
    if excuse is not None and not readable:
        raise excuse


def client_address(scope: Scope) -> str:
    """The address of the client, as far as the server knows it."""
    client = scope.get("client")
    return client[0] if client else ""


class Authentication:
    """Authenticates each request, once, before any endpoint sees it.

    Credentials that are wrong raise NotAuthenticated, also where none are needed: somebody who
    presents a token that has expired wants to hear so, not to find a half-empty space. It is
    otherwise with a certificate, which clients show by habit: with a bad one, or one of nobody
    we know, the caller is anonymous and sees what is public (vostools#53), and is told what is
    wrong with it where that is not enough.

    Paths under `open_prefixes` are not looked at, because they carry their own authority (the
    tickets of the byte endpoints, to which clients send their other credentials too) or none.
    Where a request has no credentials of its own, the session of a browser counts, if
    `sessions` are given (http/browser_sessions.py); it comes before what is shown by habit.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        authenticator: Authenticator,
        challenges: Challenges,
        open_prefixes: Sequence[str] = (),
        sessions: BrowserSessions | None = None,
        trusted_proxy: TrustedProxy | None = None,
    ) -> None:
        self._app = app
        self._authenticator = authenticator
        self._challenges = challenges
        self._sessions = sessions
        self._open_prefixes = tuple(prefix.encode("ascii") for prefix in open_prefixes)
        self._trusted_proxy = trusted_proxy
        self._remembered: Gathering[None, TokenCredentials, Identity | None] = Gathering(
            lambda _, tokens: authenticator.remembered_together(tokens)
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request on behalf of whoever sent it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        caller, excuse = await self._caller(scope)
        scope[_CALLER], scope[_EXCUSE] = caller, excuse
        extra = self._headers_for(caller, scope, excuse)

        async def announcing_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *extra]}
            await send(message)

        try:
            await self._app(scope, receive, announcing_send if extra else send)
        except (NotAuthenticated, PermissionDenied) as refusal:
            # What was wrong with the certificate is why.
            raise excuse or refusal from None

    async def _caller(self, scope: Scope) -> tuple[Caller, Fault | None]:
        """Who calls; of somebody who is anonymous against their will, what made them so."""
        if scope["raw_path"].startswith(self._open_prefixes):
            return ANONYMOUS, None
        shown = presented(
            scope, public_url=self._challenges.public_url, trusted_proxy=self._trusted_proxy
        )
        if shown is None or shown.by_habit:
            known = None if self._sessions is None else await self._sessions.identify(scope)
            if known is not None:
                scope[CALLER_NAME] = known.name
                return known, None
        if shown is None:
            return ANONYMOUS, None
        try:
            return await self._identify(shown.credentials, scope), None
        except (NotAuthenticated, PermissionDenied) as fault:
            if not shown.by_habit:
                scope[REFUSED] = True
                raise
            return ANONYMOUS, fault

    async def _identify(self, credentials: Credentials, scope: Scope) -> Identity:
        identity = self._authenticator.remembered(credentials)
        if identity is None and is_own_token(credentials):
            identity = await self._remembered.ask(None, credentials)
        if identity is None:
            identity = await in_thread(
                self._authenticator.authenticate, credentials, address=client_address(scope)
            )
        scope[CALLER_NAME] = identity.name
        return identity

    def _headers_for(
        self, caller: Caller, scope: Scope, excuse: Fault | None
    ) -> list[tuple[bytes, bytes]]:
        if isinstance(caller, Identity):
            return [(AUTHENTICATED_HEADER.encode("ascii"), caller.name.encode("ascii"))]
        if excuse is not None or scope["raw_path"].endswith(_CAPABILITIES):
            return self._challenges.headers(scope)
        return []
