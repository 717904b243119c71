"""Where the parts of a service are, as its capabilities document says."""

from dataclasses import dataclass

from vofs.client.connection import Connection
from vofs.client.errors import MalformedAnswer
from vospace_model.api import API_STANDARD_ID
from vospace_model.faults import Fault, NotAuthenticated, PermissionDenied, ServiceBusy
from vospace_model.vosi import ServiceCapability, StandardId
from vospace_model.xml.vosi import read_capabilities


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceEndpoints:
    """URLs without a last slash; None is a part that the service doesn't offer."""

    nodes: str
    authority: str
    files: str | None = None
    synctrans: str | None = None
    transfers: str | None = None
    api: str | None = None


def read_endpoints(
    connection: Connection, base_url: str, *, authority: str
) -> ServiceEndpoints:
    """Ask the service at `base_url` for its parts.

    Raises MalformedAnswer when what answers there is no VOSpace.
    """
    try:
        response = connection.request("GET", f"{base_url}/capabilities")
        capabilities = read_capabilities(response.content)
    except (NotAuthenticated, PermissionDenied, ServiceBusy):
        raise
    except Fault as error:
        raise MalformedAnswer(f"{base_url} is no VOSpace service: {error.detail}") from error
    urls = {
        capability.standard_id: url
        for capability in capabilities
        if (url := _url_like(capability, base_url)) is not None
    }
    nodes = urls.get(StandardId.NODES)
    if nodes is None:
        raise MalformedAnswer(f"{base_url} is no VOSpace service: it offers no nodes")
    return ServiceEndpoints(
        nodes=nodes,
        authority=authority,
        files=urls.get(StandardId.FILES),
        synctrans=urls.get(StandardId.SYNC_2_1) or urls.get(StandardId.SYNC),
        transfers=urls.get(StandardId.TRANSFERS),
        api=urls.get(API_STANDARD_ID),
    )


def _url_like(capability: ServiceCapability, base_url: str) -> str | None:
    """The capability's address, best one with the scheme that we came by."""
    urls = [interface.access_url.rstrip("/") for interface in capability.interfaces]
    scheme = base_url.partition(":")[0] + ":"
    for url in urls:
        if url.startswith(scheme):
            return url
    return urls[0] if urls else None
