"""The group services of others, if any are configured."""

from vospace_server.config import ServerConfig
from vospace_server.remote.gms_client import Credential, GmsClient
from vospace_server.services.foreign_groups import ForeignGroups


def build_foreign_groups(config: ServerConfig) -> ForeignGroups | None:
    """What asks them; None where there are none, which costs nothing."""
    settings = config.groups
    services = settings.services
    if not services:
        return None
    client = GmsClient(
        services=services,
        credential=Credential(settings.credential),
        token=settings.token,
        timeout_seconds=settings.timeout_seconds,
        concurrent=settings.concurrent,
        ca_file=settings.ca_file,
    )
    return ForeignGroups(
        client=client, service_ids=services, kept_seconds=settings.kept_seconds
    )
