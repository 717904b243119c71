"""From what a user writes as the source of a mount to the address of a service."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from vofs.client.connection import Connection
from vofs.client.errors import ServiceNotFound
from vospace_model.faults import InvalidURI
from vospace_model.uris import NodePath, VosUri

DEFAULT_RESOURCE_ID: Final = "ivo://localhost/vault"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What is to be mounted: a path in a space.

    `authority` is None for `vos:PATH`, which means the default space; `base_url` is None
    unless the source was written as a URL.
    """

    path: NodePath
    authority: str | None = None
    base_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationConfig:
    """How services are found."""

    # The address of the service, e.g. https://host/vault.
    service: str | None = None
    # What `vos:PATH` means.
    resource_id: str = DEFAULT_RESOURCE_ID
    # resource id -> address of the service; looked at before the registry.
    services: Mapping[str, str] = field(default_factory=dict)
    # A document of lines "ivo://authority/name = URL of its capabilities".
    registry: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLocation:
    """A service and the identity of the space that it serves."""

    base_url: str
    authority: str

    @property
    def host(self) -> str:
        """The host name, as credentials are looked up by."""
        return urlsplit(self.base_url).hostname or ""

    @property
    def secure(self) -> bool:
        """Whether it is reached by TLS."""
        return self.base_url.startswith("https://")


def parse_source(text: str) -> Source:
    """`vos:PATH`, `vos://authority~service/PATH` or `https://host/vault/nodes/PATH`.

    Raises InvalidURI with a sentence that names the three forms.
    """
    if text.startswith(("http://", "https://")):
        return _url_source(text)
    if text.startswith("vos://"):
        uri = VosUri.parse(text)
        return Source(path=uri.path, authority=uri.authority)
    if text.startswith("vos:"):
        return Source(path=NodePath.parse(text.removeprefix("vos:")))
    raise InvalidURI(
        f"{text!r} is not a space: write vos:PATH, vos://authority~service/PATH "
        "or https://host/vault/nodes/PATH"
    )


def _url_source(text: str) -> Source:
    base, found, path = text.partition("/nodes")
    if not found or (path and not path.startswith("/")):
        raise InvalidURI(f"{text!r} is not the address of a node: .../nodes/PATH is missing")
    return Source(path=NodePath.from_raw(path.encode()), base_url=base)


def locate(source: Source, config: LocationConfig, connection: Connection) -> ServiceLocation:
    """Where the space of a source is served.

    The order: the source itself when it is a URL, the configured service, the configured
    services by resource id, the registry. Raises ServiceNotFound with what to do about it.
    """
    authority = source.authority or _authority_of(config.resource_id)
    resource_id = VosUri(authority).resource_id
    known = source.base_url or config.service or config.services.get(resource_id)
    if known is not None:
        return ServiceLocation(base_url=_base_url(known, resource_id), authority=authority)
    if config.registry is None:
        raise ServiceNotFound(
            f"no service is known for {resource_id}: give --service URL, set VOSPACE_URL, "
            "or name it in ~/.config/vofs/config.toml"
        )
    capabilities = _look_up(connection, config.registry, resource_id)
    return ServiceLocation(base_url=_base_url(capabilities, resource_id), authority=authority)


def _authority_of(resource_id: str) -> str:
    return resource_id.removeprefix("ivo://").replace("/", "~")


def _base_url(url: str, resource_id: str) -> str:
    """The address below which `/nodes` is: of a URL that may name more, or only a host."""
    if not url.startswith(("http://", "https://")):
        raise ServiceNotFound(f"{url!r} is not the address of a service (http:// or https://)")
    base = url.rstrip("/").removesuffix("/capabilities").removesuffix("/nodes")
    if urlsplit(base).path:
        return base
    return f"{base}/{resource_id.rpartition('/')[2]}"


def _look_up(connection: Connection, registry: str, resource_id: str) -> str:
    text = connection.request("GET", registry).text
    for line in text.splitlines():
        name, separator, url = line.partition("=")
        if separator and name.strip() == resource_id:
            return url.strip()
    raise ServiceNotFound(f"the registry {registry} doesn't know {resource_id}")
