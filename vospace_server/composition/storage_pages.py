"""The storage browser: its services, its part of the API, and its pages."""

from vospace_server.composition.access import Access
from vospace_server.composition.services import Services
from vospace_server.composition.web import Web
from vospace_server.config import ServerConfig
from vospace_server.http.addresses import Addresses
from vospace_server.http.browsing import BrowsingEndpoints
from vospace_server.http.routing import TreeRoute
from vospace_server.services.browsing import BrowsingService
from vospace_server.services.trash import TrashService
from vospace_server.web.views.storage import StoragePages


def storage_routes(
    config: ServerConfig, services: Services, access: Access, web: Web, addresses: Addresses
) -> list[TreeRoute]:
    """The addresses of the storage browser."""
    browsing = BrowsingService(
        tree=services.tree,
        listing=services.listing,
        allocations=services.allocations,
        identify=access.delegation.identify,
    )
    trash = TrashService(tree=services.tree)
    endpoints = BrowsingEndpoints(
        tree=services.tree,
        nodes=services.nodes,
        browsing=browsing,
        reading=services.reading,
        trash=trash,
    )
    pages = StoragePages(
        pages=web.pages,
        cookies=web.cookies,
        browsing=browsing,
        trash=trash,
        addresses_of_service=addresses,
        authority=config.vos_authority,
    )
    return [*endpoints.routes, *pages.routes]
