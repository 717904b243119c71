"""The configuration of a server: frozen sections, read once, handed on by constructors."""

from vospace_server.config.reading import LoadedConfig, load_config
from vospace_server.config.sections import (
    AuthenticationSection,
    ConfigError,
    DatabaseSection,
    GroupsSection,
    LoggingSection,
    OidcSection,
    ServerConfig,
    ServerSection,
    ServiceSection,
    StorageSection,
    WebSection,
)

__all__ = [
    "AuthenticationSection",
    "ConfigError",
    "DatabaseSection",
    "GroupsSection",
    "LoadedConfig",
    "LoggingSection",
    "OidcSection",
    "ServerConfig",
    "ServerSection",
    "ServiceSection",
    "StorageSection",
    "WebSection",
    "load_config",
]
