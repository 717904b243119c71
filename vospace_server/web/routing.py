"""Addresses of pages: patterns of whole segments, matched on the raw path.

An endpoint that changes something is handed the form, which is read, and whose CSRF token is
checked, before it runs: there is no other way to have such an endpoint here.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Scope
from typing_extensions import override

from vospace_model.faults import InvalidURI, PermissionDenied
from vospace_server.http.browser_sessions import SessionCookies, check_csrf_token, session_of
from vospace_server.http.routing import TEMPLATE, Endpoint, TreeRoute
from vospace_server.web.forms import CSRF_FIELD, Form, read_form

_VALUES: Final = "vospace.path_values"
_FORM: Final = "vospace.form"

FormEndpoint = Callable[[Request, Form], Awaitable[Response]]


class PageRoute(TreeRoute):
    """One pattern, such as `/groups/show/{group}`; a segment in braces is any one segment.

    A slash at the end makes no difference. Segments are split first and decoded once.
    """

    def __init__(self, pattern: str, endpoints: Mapping[str, Endpoint]) -> None:
        super().__init__(pattern, endpoints)
        self._pattern = pattern
        self._segments = _split(pattern.encode("ascii"))

    @override
    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """A match when every segment agrees."""
        segments = _split(scope["raw_path"])
        if len(segments) != len(self._segments):
            return Match.NONE, {}
        values: dict[str, bytes] = {}
        for mine, theirs in zip(self._segments, segments, strict=True):
            if mine.startswith(b"{"):
                values[mine.strip(b"{}").decode("ascii")] = theirs
            elif mine != theirs:
                return Match.NONE, {}
        return Match.FULL, {_VALUES: values, TEMPLATE: self._pattern}


def path_value(request: Request, name: str) -> str:
    """What stands in the path for `{name}`. Raises InvalidURI when it is not UTF-8."""
    values: dict[str, bytes] = request.scope[_VALUES]
    try:
        return unquote_to_bytes(values[name]).decode()
    except UnicodeDecodeError:
        raise InvalidURI("the address is not percent-encoded UTF-8") from None


@dataclass(frozen=True, slots=True)
class Posting:
    """An endpoint for POST, which runs only for forms that a page of ours has sent.

    `again` shows the page of the form as it was sent, and does nothing else.
    """

    run: FormEndpoint
    cookies: SessionCookies
    asks_token: bool
    again: FormEndpoint | None

    async def __call__(self, request: Request) -> Response:
        """Check where the form comes from, and hand it over."""
        self.cookies.check_same_origin(request.scope)
        form = await read_form(request)
        session = session_of(request)
        if session is not None and self.asks_token:
            try:
                check_csrf_token(session, form.get(CSRF_FIELD) or _header_token(request))
            except PermissionDenied:
                # A page that is older than the session: they have logged in anew elsewhere.
                shown = await self.show_again(request, form) if form.has(CSRF_FIELD) else None
                if shown is None:
                    raise
                return shown
        if self.again is not None:
            request.scope[_FORM] = form
        return await self.run(request, form)

    async def show_again(self, request: Request, form: Form) -> Response | None:
        """The page of the form, with what is in it; None for forms that are not shown again."""
        if self.again is None:
            return None
        form.refuse("", "Nothing was sent yet. Look at what you typed, then send it once more.")
        return await self.again(request, form)

    @staticmethod
    def refused_form(scope: Scope) -> Form | None:
        """The form of a request that its endpoint has refused, if it can be shown again."""
        form: Form | None = scope.get(_FORM)
        return form


def posting(
    endpoint: FormEndpoint,
    cookies: SessionCookies,
    *,
    asks_token: bool = True,
    again: FormEndpoint | None = None,
) -> Endpoint:
    """The only way to have an endpoint that changes something.

    `again` is for forms into which people type: it shows the page with the form filled in, for
    somebody who was logged out before they sent it. Without `asks_token`, the origin alone
    proves where a form comes from: for the login, whose form may be older than the session that
    another window has begun.
    """
    return Posting(endpoint, cookies, asks_token, again)


def _header_token(request: Request) -> str | None:
    return request.headers.get("x-csrf-token")


def _split(path: bytes) -> list[bytes]:
    return path.strip(b"/").split(b"/")
