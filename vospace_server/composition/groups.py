"""The group service on the wire."""

from typing import Final

from vospace_server.composition.access import Access
from vospace_server.composition.naming import group_naming
from vospace_server.composition.services import Services
from vospace_server.config import ServerConfig
from vospace_server.http.gms import GmsEndpoints
from vospace_server.http.group_documents import GroupDocuments
from vospace_server.http.groups import GroupEndpoints

# The service whose URIs CADC's clients of groups insist on.
_BUILT_IN: Final = "ivo://cadc.nrc.ca/gms"


def group_documents(config: ServerConfig) -> GroupDocuments:
    """How group documents name groups: as CADC's client wants, where that means us."""
    aliases = {alias.rstrip("/").lower() for alias in config.service.group_aliases}
    own = config.group_service_id
    return GroupDocuments(
        naming=group_naming(config),
        service_id=own,
        shown_service_id=_BUILT_IN if _BUILT_IN in aliases else own,
        authority=config.service.authority,
    )


def build_gms(config: ServerConfig, services: Services, access: Access) -> GmsEndpoints:
    """Search."""
    return GmsEndpoints(
        queries=services.group_queries,
        documents=group_documents(config),
        identify=access.delegation.identify,
    )


def build_groups(config: ServerConfig, services: Services) -> GroupEndpoints:
    """Groups made and changed."""
    return GroupEndpoints(
        groups=services.groups,
        queries=services.group_queries,
        documents=group_documents(config),
    )
