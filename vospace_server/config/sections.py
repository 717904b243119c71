"""Every setting of the server, with its default, its unit and one line on what it is for.

The metadata of a field is its documentation: `config show` prints it, the example file is
compared with it, and values outside its bounds are refused when the configuration is read.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote


class ConfigError(Exception):
    """The configuration can't be used; the text is one sentence that names the setting."""


DATABASE_FILE = "vospace.sqlite"
STORAGE_FOLDER = "storage"


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What is known about a setting besides its type and its default.

    `secret` masks it when it is shown and lets it be read from a file that `KEY_file` (or
    `VOSPACE_SECTION_KEY_FILE`) names.
    """

    purpose: str
    minimum: float | None = None
    maximum: float | None = None
    secret: bool = False
    choices: tuple[str, ...] = ()


def about(purpose: str, **known: Any) -> dict[str, About]:
    """The metadata of a field: its purpose in one line, and its bounds (see About)."""
    return {"about": About(purpose=purpose, **known)}


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
class AuthenticationSection:
    """How passwords and tokens are checked."""

    verified_seconds: float = field(
        default=60.0,
        metadata=about(
            "a verified password is not hashed again for this long", minimum=0, maximum=3600
        ),
    )
    concurrent_checks: int = field(
        default=2,
        metadata=about(
            "passwords hashed at the same time (19 MiB each)", minimum=1, maximum=64
        ),
    )
    failures_per_account: int = field(
        default=10,
        metadata=about(
            "wrong passwords for one account per minute before it must wait", minimum=1
        ),
    )
    failures_per_address: int = field(
        default=50,
        metadata=about(
            "wrong passwords from one address per minute before it must wait", minimum=1
        ),
    )
    login_token_days: int = field(
        default=2,
        metadata=about("life of the token that /ac/login gives", minimum=1, maximum=3650),
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
    remote: RemoteSection = field(default_factory=RemoteSection)
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
    "remote": RemoteSection,
    "logging": LoggingSection,
}
