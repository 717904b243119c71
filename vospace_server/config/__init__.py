"""The configuration of a server: frozen sections, read once, handed on by constructors."""

from vospace_server.config.reading import LoadedConfig, load_config
from vospace_server.config.sections import (
    AuthenticationSection,
    DatabaseSection,
    LoggingSection,
    ServerConfig,
    ServerSection,
    ServiceSection,
    StorageSection,
)
from vospace_server.config.values import ConfigError

__all__ = [
    "AuthenticationSection",
    "ConfigError",
    "DatabaseSection",
    "LoadedConfig",
    "LoggingSection",
    "ServerConfig",
    "ServerSection",
    "ServiceSection",
    "StorageSection",
    "load_config",
]
