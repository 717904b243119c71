"""create_app: the application of a configuration; `composition` holds what it is made of."""

from collections.abc import Sequence
from datetime import timedelta
from importlib.metadata import version

from starlette.applications import Starlette

from vospace_model.api import API_PATH
from vospace_server.composition.access import build_access
from vospace_server.composition.endpoints import build_endpoints
from vospace_server.composition.jobs import build_jobs
from vospace_server.composition.lifespan import build_lifespan
from vospace_server.composition.middleware import build_middleware
from vospace_server.composition.services import build_services
from vospace_server.composition.storage_pages import storage_routes
from vospace_server.composition.web import build_web, group_api_routes, web_routes
from vospace_server.config import ServerConfig
from vospace_server.database.engine import Database
from vospace_server.examination.health import health_lines
from vospace_server.http.addresses import Addresses
from vospace_server.http.certificates import CertificateEndpoints
from vospace_server.http.faults import not_found
from vospace_server.http.login import LoginEndpoints
from vospace_server.http.metrics import RequestMetrics
from vospace_server.http.openapi import OPENAPI_PATH, OpenApiEndpoint
from vospace_server.http.routes import routes
from vospace_server.http.routing import ExactRoute, TreeRoute
from vospace_server.storage.registry import open_store


def create_app(config: ServerConfig) -> Starlette:
    """The ASGI application of a configuration.

    Opens the database, whose tables are made or brought up to date, and the object store. The
    threads that work beside the requests start and stop with the lifespan, which closes both.
    Raises ValueError for a storage URL that names no store or one that several processes can't
    share, and StoreError or a database's error when one of them can't be used.
    """
    store = open_store(config.storage_url)
    if config.server.workers > 1 and not store.properties.shared:
        raise ValueError("this object store serves one process; set server.workers to 1")
    database = Database(config.database_url)
    database.upgrade()
    services = build_services(config, database, store)
    services.tickets.prepare()
    access = build_access(config, database)
    web = build_web(config, database, access)
    jobs = build_jobs(config, services, access, database)
    metrics = RequestMetrics()
    if services.foreign_groups is not None:
        metrics.watch_group_services(services.foreign_groups.outcomes)
    addresses = Addresses(service_name=config.service.name, public_url=config.server.public_url)
    endpoints = build_endpoints(config, services, access, jobs, addresses, metrics)
    login = LoginEndpoints(
        authenticator=access.authenticator,
        accounts=access.accounts,
        token_lifetime=timedelta(days=config.authentication.login_token_days),
        group_service_id=config.group_service_id,
    )
    browsed = [
        *storage_routes(config, services, access, web, addresses),
        *web_routes(web, access, services, jobs, addresses, lambda: health_lines(config)),
    ]
    described = [
        *routes(endpoints, addresses),
        *login.routes,
        *CertificateEndpoints(access.certificates).routes,
        *group_api_routes(services),
        *filter(_is_for_programs, browsed),
    ]
    pages = [route for route in browsed if not _is_for_programs(route)]
    return Starlette(
        routes=[*described, _description(described, addresses), *pages],
        middleware=build_middleware(config, access, addresses, metrics, web),
        exception_handlers={404: not_found(web.errors)},
        lifespan=build_lifespan(database, store, services, jobs),
    )


def _is_for_programs(route: TreeRoute) -> bool:
    """Whether a route of the pages answers in JSON, and so is described for programs."""
    return route.template.startswith(f"{API_PATH}/")


def _description(described: Sequence[TreeRoute], addresses: Addresses) -> ExactRoute:
    """The route of the OpenAPI document of all the others."""
    endpoint = OpenApiEndpoint(
        routes=described, addresses=addresses, version=version("vospace")
    )
    return ExactRoute(OPENAPI_PATH, {"GET": endpoint.get})
