"""Addresses of pages: patterns of whole segments, matched on the raw path.

An endpoint that changes something is handed the form, which is read, and whose CSRF token is
checked, before it runs: there is no other way to have such an endpoint here.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final
from urllib.parse import unquote_to_bytes

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Scope
from typing_extensions import override

from vospace_model.faults import InvalidURI
from vospace_server.http.browser_sessions import SessionCookies, check_csrf_token, session_of
from vospace_server.http.routing import TEMPLATE, Endpoint, TreeRoute
from vospace_server.web.forms import CSRF_FIELD, Form, read_form

_VALUES: Final = "vospace.path_values"

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


def posting(
    endpoint: FormEndpoint, cookies: SessionCookies, *, asks_token: bool = True
) -> Endpoint:
    """An endpoint for POST, which runs only for forms that a page of ours has sent.

    Without `asks_token`, the origin alone proves that: for the login, whose form may be older
    than the session that another window has begun.
    """

    async def post(request: Request) -> Response:
        cookies.check_same_origin(request.scope)
        form = await read_form(request)
        session = session_of(request)
        if session is not None and asks_token:
            check_csrf_token(session, form.get(CSRF_FIELD) or _header_token(request))
        return await endpoint(request, form)

    return post


def _header_token(request: Request) -> str | None:
    return request.headers.get("x-csrf-token")


def _split(path: bytes) -> list[bytes]:
    return path.strip(b"/").split(b"/")
