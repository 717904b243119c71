"""The pages: sessions, what they are rendered with, and which there are."""

from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version

from vospace_server.composition.access import Access
from vospace_server.config import ServerConfig
from vospace_server.database.engine import Database
from vospace_server.http.browser_sessions import BrowserSessions, SessionCookies
from vospace_server.http.routing import TreeRoute
from vospace_server.services.sessions import SessionService
from vospace_server.web.addresses import ASSETS, FORM_PREFIXES
from vospace_server.web.assets import Assets
from vospace_server.web.error_pages import ErrorPages
from vospace_server.web.languages import Languages
from vospace_server.web.pages import Pages, Site
from vospace_server.web.views.home import HomePages
from vospace_server.web.views.login import LoginPages


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """What the pages share."""

    pages: Pages
    assets: Assets
    cookies: SessionCookies
    sessions: SessionService
    browser_sessions: BrowserSessions
    errors: ErrorPages


def build_web(config: ServerConfig, database: Database, access: Access) -> Web:
    """Sessions and rendering, before there are any endpoints."""
    sessions = SessionService(
        database=database,
        idle=timedelta(hours=config.web.session_idle_hours),
        life=timedelta(days=config.web.session_days),
    )
    cookies = SessionCookies(public_url=config.server.public_url)
    assets = Assets()
    site = Site(
        version=version("vospace"),
        resource_id=config.resource_id,
        group_service_id=config.group_service_id,
        service_name=config.service.name,
        registration=config.web.registration,
        sections=("storage",),
    )
    pages = Pages(assets=assets, languages=Languages(), site=site)
    return Web(
        pages=pages,
        assets=assets,
        cookies=cookies,
        sessions=sessions,
        browser_sessions=BrowserSessions(
            sessions=sessions,
            delegation=access.delegation,
            cookies=cookies,
            form_prefixes=FORM_PREFIXES,
        ),
        errors=ErrorPages(pages=pages),
    )


def web_routes(web: Web, access: Access) -> list[TreeRoute]:
    """Every page."""
    home = HomePages(pages=web.pages, cookies=web.cookies)
    login = LoginPages(
        pages=web.pages,
        cookies=web.cookies,
        authenticator=access.authenticator,
        sessions=web.sessions,
    )
    return [
        TreeRoute(ASSETS, {"GET": web.assets.get}),
        *home.routes,
        *login.routes,
    ]
