"""Routes that look at the raw path of a request and nowhere else.

ASGI servers hand over a decoded path as well, in which `a%2Fb` can't be told from `a/b` and
invalid UTF-8 has become a replacement character. A tree route matches its prefix byte for byte
and leaves the rest for `NodePath.from_raw`, which splits first and decodes once.
"""

from collections.abc import Awaitable, Callable, Mapping

from starlette.datastructures import URLPath
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from vospace_server.http.responses import StreamedResponse, text

Endpoint = Callable[[Request], Awaitable[Response]]

_REST = "vospace.rest"
TEMPLATE = "vospace.route"


class TreeRoute(BaseRoute):
    """One address and everything below it, with an endpoint for each method."""

    def __init__(self, prefix: str, endpoints: Mapping[str, Endpoint]) -> None:
        self._prefix = prefix.encode("ascii")
        self._endpoints = _with_head(endpoints)
        self._template = f"{prefix}/{{path}}"

    @property
    def template(self) -> str:
        """The address with `{path}` for what follows it."""
        return self._template

    @property
    def endpoints(self) -> Mapping[str, Endpoint]:
        """What answers each method."""
        return self._endpoints

    @override
    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """A match when the raw path is the prefix, alone or before a slash."""
        rest = _rest_below(self._prefix, scope)
        if rest is None:
            return Match.NONE, {}
        return Match.FULL, {_REST: rest, TEMPLATE: self._template}

    @override
    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the endpoint of the method, or answer 405 with the methods there are."""
        await _answer(self._endpoints, scope, receive, send)

    @override
    def url_path_for(self, name: str, /, **path_params: object) -> URLPath:
        """Tree routes have no names."""
        raise NoMatchFound(name, dict(path_params))


class ExactRoute(TreeRoute):
    """One address and nothing below it."""

    def __init__(self, path: str, endpoints: Mapping[str, Endpoint]) -> None:
        super().__init__(path, endpoints)
        self._template = path

    @override
    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """A match when the raw path is the path, with or without a slash at its end."""
        match, found = super().matches(scope)
        if match is Match.FULL and found[_REST] not in {b"", b"/"}:
            return Match.NONE, {}
        return match, found


def rest_of_path(request: Request) -> bytes:
    """The raw path below the prefix of the route: empty, or a slash and what follows."""
    rest: bytes = request.scope[_REST]
    return rest


def _rest_below(prefix: bytes, scope: Scope) -> bytes | None:
    raw_path: bytes = scope["raw_path"]
    if not raw_path.startswith(prefix):
        return None
    rest = raw_path[len(prefix) :]
    return rest if not rest or rest.startswith(b"/") else None


async def _answer(
    endpoints: Mapping[str, Endpoint], scope: Scope, receive: Receive, send: Send
) -> None:
    endpoint = endpoints.get(scope["method"])
    if endpoint is not None:
        response = await endpoint(Request(scope, receive))
    elif scope["method"] == "OPTIONS":
        response = text("", headers={"allow": _allowed(endpoints)})
    else:
        response = text(
            f"MethodNotAllowed: this address knows {_allowed(endpoints)}\n",
            status=405,
            headers={"allow": _allowed(endpoints)},
        )
    await response(scope, receive, send)


def _with_head(endpoints: Mapping[str, Endpoint]) -> dict[str, Endpoint]:
    """Whatever can be got can be asked about with HEAD (RFC 9110, 9.1)."""
    get = endpoints.get("GET")
    if get is None:
        return dict(endpoints)

    async def head(request: Request) -> Response:
        response = await get(request)
        return response.headers_alone() if isinstance(response, StreamedResponse) else response

    return {"HEAD": head, **endpoints}


def _allowed(endpoints: Mapping[str, Endpoint]) -> str:
    return ", ".join(sorted(endpoints))
