"""The configuration of a server: frozen sections, read once, handed on by constructors."""

from vospace_server.config.login_sections import AuthenticationSection, OidcSection
from vospace_server.config.reading import LoadedConfig, load_config
from vospace_server.config.sections import (
    DatabaseSection,
    GroupsSection,
    LoggingSection,
    ServerConfig,
    ServerSection,
    ServiceSection,
    StorageSection,
    WebSection,
)
from vospace_server.config.settings import ConfigError

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
