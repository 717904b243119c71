"""The pages: sessions, what they are rendered with, and which there are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version

from vospace_server.auth.failure_limiter import FailureLimiter
from vospace_server.composition.access import Access
from vospace_server.composition.jobs import Jobs
from vospace_server.composition.services import Services
from vospace_server.composition.vosi import takes_certificates
from vospace_server.config import ServerConfig
from vospace_server.database.engine import Database
from vospace_server.http.addresses import Addresses
from vospace_server.http.browser_sessions import BrowserSessions, SessionCookies
from vospace_server.http.group_api import GroupApi
from vospace_server.http.routing import TreeRoute
from vospace_server.services.grantors import GrantorService
from vospace_server.services.invitations import InvitationService
from vospace_server.services.job_lines import JobLineService
from vospace_server.services.jobs import JobKind
from vospace_server.services.registration import RegistrationMode, RegistrationService
from vospace_server.services.sessions import SessionService
from vospace_server.web.addresses import ASSETS, FORM_PREFIXES
from vospace_server.web.assets import Assets
from vospace_server.web.error_pages import ErrorPages, Grantor
from vospace_server.web.grantors import grantor_of
from vospace_server.web.languages import Languages
from vospace_server.web.pages import Pages, Site
from vospace_server.web.unsent import UnsentForms
from vospace_server.web.views.account import AccountPages
from vospace_server.web.views.admin import AdminPages, HealthLine
from vospace_server.web.views.admin_users import AdminUserPages
from vospace_server.web.views.group import GroupPages
from vospace_server.web.views.group_members import GroupMemberPages, InvitationPages
from vospace_server.web.views.groups import GroupListPages
from vospace_server.web.views.home import HomePages
from vospace_server.web.views.jobs import JobPages
from vospace_server.web.views.login import LoginPages
from vospace_server.web.views.register import RegisterPages


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """What the pages share."""

    pages: Pages
    assets: Assets
    cookies: SessionCookies
    sessions: SessionService
    browser_sessions: BrowserSessions
    errors: ErrorPages
    registration: RegistrationService


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
        certificates=takes_certificates(config),
        sections=("storage", "groups", "jobs", "account", "admin"),
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
        errors=ErrorPages(
            pages=pages, cookies=cookies, grantor=_build_grantor(config, database)
        ),
        registration=_build_registration(config, access),
    )


def _build_grantor(config: ServerConfig, database: Database) -> Grantor | None:
    if not config.web.name_owners:
        return None
    addresses = Addresses(service_name=config.service.name)
    grantors = GrantorService(database=database)
    return grantor_of(grantors, (addresses.nodes, addresses.files))


def _build_registration(config: ServerConfig, access: Access) -> RegistrationService:
    limiter = FailureLimiter(
        per_account=config.web.registrations_per_minute,
        per_address=config.web.registrations_per_minute,
    )

    def count(address: str) -> None:
        limiter.check(account="", address=address)
        limiter.record_failure(account=f"registration {address}", address=address)

    return RegistrationService(
        accounts=access.accounts,
        mode=RegistrationMode(config.web.registration),
        count=count,
    )


def web_routes(
    web: Web,
    access: Access,
    services: Services,
    jobs: Jobs,
    addresses: Addresses,
    examine: Callable[[], Sequence[HealthLine]],
) -> list[TreeRoute]:
    """Every page, and what the pages ask for in JSON."""
    home = HomePages(pages=web.pages, cookies=web.cookies)
    routes = [
        TreeRoute(ASSETS, {"GET": web.assets.get}),
        *home.routes,
        *_account_routes(web, access),
        *_group_routes(web, access, services),
        *JobPages(
            pages=web.pages,
            cookies=web.cookies,
            jobs=jobs.jobs,
            lines=JobLineService(tree=services.tree),
            documents=_job_documents(addresses),
        ).routes,
        *_admin_routes(web, access, services, examine),
    ]
    login = LoginPages(
        pages=web.pages,
        cookies=web.cookies,
        authenticator=access.authenticator,
        sessions=web.sessions,
        unsent_forms=UnsentForms(routes),
    )
    return [*routes, *login.routes]


def _job_documents(addresses: Addresses) -> dict[str, str]:
    return {
        JobKind.TRANSFER: addresses.transfers,
        JobKind.LONG_TRANSFER: addresses.transfers,
        JobKind.PACKAGE: addresses.packages,
        JobKind.DELETE: addresses.deletions,
        JobKind.SET_PROPERTIES: addresses.property_changes,
    }


def _account_routes(web: Web, access: Access) -> list[TreeRoute]:
    register = RegisterPages(
        pages=web.pages,
        cookies=web.cookies,
        registration=web.registration,
        sessions=web.sessions,
        delegation=access.delegation,
    )
    account = AccountPages(
        pages=web.pages,
        cookies=web.cookies,
        authenticator=access.authenticator,
        accounts=access.accounts,
        sessions=web.sessions,
        certificates=access.certificates,
    )
    return [*register.routes, *account.routes]


def _admin_routes(
    web: Web,
    access: Access,
    services: Services,
    examine: Callable[[], Sequence[HealthLine]],
) -> list[TreeRoute]:
    users = AdminUserPages(
        pages=web.pages, cookies=web.cookies, accounts=access.accounts, sessions=web.sessions
    )
    rest = AdminPages(
        pages=web.pages,
        cookies=web.cookies,
        allocations=services.allocations,
        accounts=access.accounts,
        states=access.states,
        examine=examine,
    )
    return [*users.routes, *rest.routes]


def group_api_routes(services: Services) -> list[TreeRoute]:
    """Groups in JSON, for pages and programs."""
    return GroupApi(queries=services.group_queries).routes


def _group_routes(web: Web, access: Access, services: Services) -> list[TreeRoute]:
    pages, cookies = web.pages, web.cookies
    groups, queries = services.groups, services.group_queries
    invitations = InvitationService(
        database=services.tree.database, groups=groups, identify=access.delegation.identify
    )
    group = GroupPages(
        pages=pages, cookies=cookies, groups=groups, queries=queries, invitations=invitations
    )
    return [
        *GroupListPages(pages=pages, cookies=cookies, groups=groups, queries=queries).routes,
        *group.routes,
        *GroupMemberPages(
            pages=pages, cookies=cookies, groups=groups, queries=queries, group_pages=group
        ).routes,
        *InvitationPages(
            pages=pages, cookies=cookies, invitations=invitations, group_pages=group
        ).routes,
    ]
