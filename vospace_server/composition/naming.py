"""By which URIs groups are known here."""

from vospace_server.config import ServerConfig
from vospace_server.domain.group import GroupNaming


def group_naming(config: ServerConfig) -> GroupNaming:
    """The URIs by which groups are known here, aliases included."""
    return GroupNaming(service_id=config.group_service_id, aliases=config.service.group_aliases)
