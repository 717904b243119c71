"""Pages: templates become answers, with what every page has around its own content."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response

from vospace_model.faults import NotAuthenticated, PermissionDenied, ServiceBusy, status_of
from vospace_server.domain.access import require_whole_reach
from vospace_server.domain.identity import Identity
from vospace_server.http.authentication import caller_of
from vospace_server.http.browser_sessions import has_ended, session_of
from vospace_server.web import addresses
from vospace_server.web.assets import Assets
from vospace_server.web.formats import formats_in, written
from vospace_server.web.forms import CSRF_FIELD, Form
from vospace_server.web.headers import PAGE_HEADERS
from vospace_server.web.languages import NAMES, Language, Languages
from vospace_server.web.notices import CLEARED, Notice, notice_of

THEME_COOKIE: Final = "vospace-theme"
LANGUAGE_COOKIE: Final = "vospace-language"
_RETRY_SECONDS: Final = 60
# What the theme may be; "auto" is what the system says.
THEMES: Final = ("auto", "light", "dark")


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What the pages say about this service. `sections` are the names in the navigation."""

    version: str
    resource_id: str
    group_service_id: str
    service_name: str
    registration: str = "off"
    certificates: bool = False
    sections: tuple[str, ...] = ()


class Pages:
    """Renders every page; made once, shared by all requests."""

    def __init__(self, *, assets: Assets, languages: Languages, site: Site) -> None:
        self._assets = assets
        self._languages = languages
        self.site = site
        self._environment = Environment(
            loader=PackageLoader("vospace_server.web", "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.filters["written"] = written
        self._environment.filters["quote"] = lambda text: quote(text, safe="")

    def language_of(self, request: Request) -> Language:
        """The language of whoever asks."""
        return self._languages.of(
            request.cookies.get(LANGUAGE_COOKIE), request.headers.get("accept-language", "")
        )

    def show(
        self,
        request: Request,
        template: str,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        **context: Any,
    ) -> Response:
        """The page of a template. A notice that waits is shown on it."""
        notice = notice_of(request)
        values = {**self._surroundings(request), "notice": notice, **context}
        content = self._environment.get_template(template).render(values)
        response = Response(content, status, {**PAGE_HEADERS, **(headers or {})})
        if notice is not None:
            response.headers.append("set-cookie", CLEARED)
        return response

    def show_form(
        self, request: Request, template: str, form: Form, **context: Any
    ) -> Response:
        """The page of a form as it was sent: 422 when something in it is wrong."""
        status = 200 if form.is_valid else 422
        return self.show(request, template, status=status, form=form, **context)

    def show_private_form(
        self,
        request: Request,
        template: str,
        form: Form,
        *,
        is_private: bool,
        busy: ServiceBusy | None = None,
        **context: Any,
    ) -> Response:
        """The page of a form for a password, which says so if others could read it.

        503 when too many were tried.
        """
        status, headers = (200 if form.is_valid else 422), {}
        if busy is not None:
            status = status_of(busy)
            headers = {"retry-after": str(busy.retry_after_seconds or _RETRY_SECONDS)}
        return self.show(
            request,
            template,
            status=status,
            headers=headers,
            form=form,
            is_private=is_private,
            **context,
        )

    @staticmethod
    def go(target: str, notice: Notice | None = None) -> Response:
        """303 to a page, which shows the notice."""
        response = Response(b"", 303, {"location": target, "cache-control": "no-store"})
        if notice is not None:
            response.headers.append("set-cookie", notice.cookie)
        return response

    def _surroundings(self, request: Request) -> dict[str, Any]:
        language = self.language_of(request)
        caller = caller_of(request)
        session = session_of(request)
        theme = request.cookies.get(THEME_COOKIE, THEMES[0])
        return {
            "t": language.say,
            "n": language.count,
            "told": language.tell,
            "language": language,
            "languages": NAMES,
            "theme": theme if theme in THEMES else THEMES[0],
            "asset": self._assets.url,
            "at": addresses,
            "here": here(request),
            "site": self.site,
            "viewer": caller if isinstance(caller, Identity) else None,
            "session_ended": has_ended(request),
            "csrf_field": CSRF_FIELD,
            "csrf_token": "" if session is None else session.csrf_secret,
            **formats_in(language),
        }


def here(request: Request) -> str:
    """The address of a request, below our own."""
    path = request.scope["raw_path"].decode("ascii", "replace")
    query = request.scope["query_string"].decode("ascii", "replace")
    return addresses.local_target(f"{path}?{query}" if query else path)


def viewer_of(request: Request) -> Identity:
    """Who looks at a page that is for somebody. Raises NotAuthenticated: log in first.

    PermissionDenied for a credential that is limited to some paths: such pages are about
    all that somebody has. A session is never limited.
    """
    caller = caller_of(request)
    if not isinstance(caller, Identity):
        raise NotAuthenticated("log in to see this page")
    require_whole_reach(caller, "look at this page")
    return caller


def admin_of(request: Request) -> Identity:
    """The administrator who looks. Raises PermissionDenied for everybody else."""
    viewer = viewer_of(request)
    if not viewer.acts_as_admin:
        raise PermissionDenied("only administrators see this page")
    return viewer
