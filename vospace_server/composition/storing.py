"""The object store of a configuration, for those who need it for a moment."""

from collections.abc import Iterator
from contextlib import contextmanager

from vospace_server.config import ConfigError, ServerConfig
from vospace_server.storage.object_store import ObjectStore
from vospace_server.storage.registry import open_store


@contextmanager
def open_storage(config: ServerConfig) -> Iterator[ObjectStore]:
    """The object store of a configuration, closed at the end."""
    try:
        store = open_store(config.storage_url)
    except ValueError as error:
        raise ConfigError(f"storage.url: {error}") from error
    try:
        yield store
    finally:
        store.close()
