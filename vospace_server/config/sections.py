"""Every setting of the server, with its default, its unit and one line on what it is for.

The metadata of a field is its documentation: `config show` prints it, the example file is
compared with it, and values outside its bounds are refused when the configuration is read.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from vospace_server.config.login_sections import AuthenticationSection, OidcSection
from vospace_server.config.settings import ConfigError, about

DATABASE_FILE = "vospace.sqlite"
STORAGE_FOLDER = "storage"
_GROUP_SERVICE = re.compile(r"ivo://[^/?#\s]+/[^?#\s]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSection:
    """Where and how the server listens."""

    host: str = field(
        default="127.0.0.1", metadata=about("address to listen on; 0.0.0.0 is every interface")
    )
    port: int = field(
        default=8080, metadata=about("port; 0 lets the system choose", minimum=0, maximum=65535)
    )
    workers: int = field(
        default=1, metadata=about("processes that serve", minimum=1, maximum=256)
    )
    tls_cert: Path | None = field(
        default=None, metadata=about("certificate chain (PEM); TLS is on when it is set")
    )
    tls_key: Path | None = field(default=None, metadata=about("private key of tls_cert (PEM)"))
    tls_port: int | None = field(
        default=None,
        metadata=about(
            "second port, for TLS, beside plain HTTP; else TLS is on the only port",
            minimum=0,
            maximum=65535,
        ),
    )
    client_certificates: bool = field(
        default=True,
        metadata=about("TLS asks clients for a certificate, which they may have or not"),
    )
    tls_client_ca: Path | None = field(
        default=None,
        metadata=about(
            "authorities of client certificates besides our own: a PEM file or a directory"
        ),
    )
    public_url: str | None = field(
        default=None,
        metadata=about(
            "address that clients see, if a proxy stands in front; else each request's own"
        ),
    )
    trusted_proxies: tuple[str, ...] = field(
        default=(),
        metadata=about("addresses whose X-Forwarded-For and X-Forwarded-Proto are believed"),
    )
    shutdown_seconds: int = field(
        default=10,
        metadata=about(
            "time that running requests are given at SIGTERM", minimum=0, maximum=3600
        ),
    )
    keep_alive_seconds: int = field(
        default=75, metadata=about("idle connections are closed after this", minimum=1)
    )
    body_timeout_seconds: float = field(
        default=60.0,
        metadata=about("an upload that sends nothing for this long is given up", minimum=0.1),
    )
    send_timeout_seconds: float = field(
        default=60.0,
        metadata=about("a client that takes nothing for this long is cut off", minimum=0.1),
    )
    max_connections: int = field(
        default=1000,
        metadata=about("connections per process; more are answered 503", minimum=1),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSection:
    """What the service is called, and where the standard leaves a choice."""

    authority: str = field(
        default="localhost", metadata=about("authority of vos:// and ivo:// identifiers")
    )
    name: str = field(
        default="vault",
        metadata=about("service name: the folder in URLs, the end of the identifier"),
    )
    realm: str = field(
        default="VOSpace",
        metadata=about("name that a browser shows when it asks for a password"),
    )
    group_aliases: tuple[str, ...] = field(
        default=("ivo://cadc.nrc.ca/gms",),
        metadata=about("group services whose group URIs mean our own groups"),
    )
    registry_authorities: tuple[str, ...] = field(
        default=(),
        metadata=about(
            "authorities under which /reg/resource-caps lists us too, such as cadc.nrc.ca"
        ),
    )
    strict_links: bool = field(
        default=False,
        metadata=about("refuse links inside a path (LinkFound) instead of following"),
    )
    delete_non_empty: bool = field(
        default=False,
        metadata=about("DELETE of a container with children deletes the whole tree"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSection:
    """Where nodes, users, groups and jobs are kept."""

    url: str | None = field(
        default=None,
        repr=False,
        metadata=about(
            f"SQLAlchemy URL; default is SQLite in DATA_DIR/{DATABASE_FILE}", secret=True
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageSection:
    """Where the bytes are kept."""

    url: str | None = field(
        default=None,
        repr=False,
        metadata=about(
            f"URL of the object store; default is the folder DATA_DIR/{STORAGE_FOLDER}",
            secret=True,
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupsSection:
    """Group services of others, asked about the groups of theirs that nodes name."""

    remote: tuple[str, ...] = field(
        default=(),
        metadata=about(
            'other group services, each "IDENTIFIER URL" of its search or its capabilities'
        ),
    )
    credential: str = field(
        default="caller",
        metadata=about(
            "as whom to ask: caller (with the bearer token it has shown) or service",
            choices=("caller", "service"),
        ),
    )
    token: str | None = field(
        default=None,
        repr=False,
        metadata=about(
            "our token there, of an administrator; needed for credential service", secret=True
        ),
    )
    timeout_seconds: float = field(
        default=3.0,
        metadata=about("longest wait for an answer", minimum=0.1, maximum=30),
    )
    kept_seconds: float = field(
        default=60.0, metadata=about("an answer is used for this long", minimum=0, maximum=60)
    )
    concurrent: int = field(
        default=8, metadata=about("questions at the same time", minimum=1, maximum=100)
    )
    ca_file: Path | None = field(
        default=None, metadata=about("authorities of those services' TLS certificates (PEM)")
    )

    @property
    def services(self) -> dict[str, str]:
        """The URL of each service by its identifier. Raises ConfigError."""
        found: dict[str, str] = {}
        for text in self.remote:
            service_id, _, url = (part.strip() for part in text.partition(" "))
            if _GROUP_SERVICE.fullmatch(service_id) is None or not _is_safe(url):
                raise ConfigError(
                    f'groups.remote holds {text!r}; write "ivo://authority/gms https://..." '
                    "(plain http for this host alone)"
                )
            found[service_id.lower()] = url
        return found


def _is_safe(url: str) -> bool:
    """Whether a token may be sent there: encrypted, or to this very host."""
    parts = urlsplit(url)
    local = parts.hostname in {"127.0.0.1", "::1", "localhost"}
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and local)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSection:
    """The pages."""

    registration: str = field(
        default="off",
        metadata=about(
            "who may make an account on the page: open, approval (an administrator opens it), "
            "or off",
            choices=("open", "approval", "off"),
        ),
    )
    registrations_per_minute: int = field(
        default=5, metadata=about("accounts that one address may make per minute", minimum=1)
    )
    session_idle_hours: float = field(
        default=12.0,
        metadata=about("a browser that is not used for this long is logged out", minimum=0.01),
    )
    session_days: float = field(
        default=7.0, metadata=about("a login of a browser ends after this", minimum=0.01)
    )
    name_owners: bool = field(
        default=True,
        metadata=about("a page that refuses says who owns the place and can grant access"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteSection:
    """How the server fetches from and sends to other hosts, when a transfer asks for it."""

    allowed_networks: tuple[str, ...] = field(
        default=(),
        metadata=about("networks of your own that may be asked although they are not public"),
    )
    allowed_hosts: tuple[str, ...] = field(
        default=(),
        metadata=about("names of hosts of your own that may be asked, whatever their address"),
    )
    ports: tuple[str, ...] = field(
        default=("80", "443"), metadata=about("ports of other hosts that may be asked")
    )
    connect_seconds: float = field(
        default=10.0, metadata=about("a host that does not answer is given up", minimum=0.1)
    )
    idle_seconds: float = field(
        default=60.0, metadata=about("a host that falls silent is given up", minimum=0.1)
    )
    total_seconds: float = field(
        default=21600.0, metadata=about("the longest that one transfer may take", minimum=1)
    )
    max_bytes: int | None = field(
        default=None,
        metadata=about("the most that is fetched at once; the quota counts as well", minimum=1),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggingSection:
    """What is written to standard error."""

    level: str = field(
        default="info",
        metadata=about(
            "debug, info, warning or error", choices=("debug", "info", "warning", "error")
        ),
    )
    requests: bool = field(default=True, metadata=about("one line per request"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """The whole configuration.

    `data_dir` holds what is not elsewhere; it may be None when both URLs are given.
    """

    data_dir: Path | None = None
    server: ServerSection = field(default_factory=ServerSection)
    service: ServiceSection = field(default_factory=ServiceSection)
    database: DatabaseSection = field(default_factory=DatabaseSection)
    storage: StorageSection = field(default_factory=StorageSection)
    authentication: AuthenticationSection = field(default_factory=AuthenticationSection)
    groups: GroupsSection = field(default_factory=GroupsSection)
    web: WebSection = field(default_factory=WebSection)
    remote: RemoteSection = field(default_factory=RemoteSection)
    oidc: OidcSection = field(default_factory=OidcSection)
    logging: LoggingSection = field(default_factory=LoggingSection)

    @property
    def database_url(self) -> str:
        """The configured database, or the embedded one in the data directory."""
        return self.database.url or f"sqlite:///{self._in_data_dir(DATABASE_FILE)}"

    @property
    def storage_url(self) -> str:
        """The configured object store, or the embedded one in the data directory."""
        return self.storage.url or f"file://{quote(str(self._in_data_dir(STORAGE_FOLDER)))}"

    def _in_data_dir(self, name: str) -> Path:
        if self.data_dir is None:
            raise ConfigError(f"there is no data directory to hold {name}; use --data-dir DIR")
        return self.data_dir.absolute() / name

    @property
    def resource_id(self) -> str:
        """The IVOA identifier of the service: `ivo://localhost/vault`."""
        return f"ivo://{self.service.authority}/{self.service.name}"

    @property
    def vos_authority(self) -> str:
        """The authority part of our `vos://` URIs: `localhost~vault`."""
        return f"{self.service.authority}~{self.service.name}"

    @property
    def group_service_id(self) -> str:
        """The identifier that our group URIs begin with: `ivo://localhost/gms`."""
        return f"ivo://{self.service.authority}/gms"


SECTIONS: dict[str, type[Any]] = {
    "server": ServerSection,
    "service": ServiceSection,
    "database": DatabaseSection,
    "storage": StorageSection,
    "authentication": AuthenticationSection,
    "groups": GroupsSection,
    "web": WebSection,
    "remote": RemoteSection,
    "oidc": OidcSection,
    "logging": LoggingSection,
}
