"""The first page, what the service says about itself, and how the pages look."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from vospace_server.http.browser_sessions import SessionCookies
from vospace_server.http.challenges import base_url
from vospace_server.http.responses import empty
from vospace_server.http.routing import TreeRoute
from vospace_server.web import addresses
from vospace_server.web.forms import Form
from vospace_server.web.languages import NAMES
from vospace_server.web.pages import LANGUAGE_COOKIE, THEME_COOKIE, THEMES, Pages
from vospace_server.web.routing import PageRoute, posting

_YEAR_SECONDS: Final = 31_536_000


class HomePages:
    """`/`, `/about` and `/preferences`."""

    def __init__(self, *, pages: Pages, cookies: SessionCookies) -> None:
        self._pages = pages
        self._cookies = cookies

    @property
    def routes(self) -> list[TreeRoute]:
        """The addresses with their endpoints."""
        return [
            PageRoute(addresses.HOME, {"GET": self.home}),
            PageRoute(addresses.ABOUT, {"GET": self.about}),
            PageRoute(
                addresses.PREFERENCES, {"POST": posting(self.set_preferences, self._cookies)}
            ),
        ]

    async def home(self, request: Request) -> Response:
        """What this is, and where to go."""
        service = base_url(request.scope, self._cookies.public_url)
        return self._pages.show(request, "home.html", service_url=service)

    async def about(self, request: Request) -> Response:
        """Version, licence, and the addresses for programs."""
        service = base_url(request.scope, self._cookies.public_url)
        return self._pages.show(request, "about.html", service_url=service)

    async def set_preferences(self, request: Request, form: Form) -> Response:
        """Theme and language, kept in the browser."""
        chosen = {
            THEME_COOKIE: (form.get("theme"), THEMES),
            LANGUAGE_COOKIE: (form.get("language"), NAMES),
        }
        # A module changes the page itself and needs no other.
        by_module = "text/html" not in request.headers.get("accept", "")
        target = addresses.local_target(form.get("next"))
        response = empty(204) if by_module else self._pages.go(target)
        for name, (value, allowed) in chosen.items():
            if value in allowed:
                response.headers.append(
                    "set-cookie",
                    f"{name}={value}; Max-Age={_YEAR_SECONDS}; Path=/; SameSite=Lax",
                )
        return response
