"""Opens the space that a command names."""

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vospace_server.commands.arguments import settings_of
from vospace_server.commands.failures import CommandError
from vospace_server.config import LoadedConfig, ServerConfig, load_config
from vospace_server.database.engine import Database
from vospace_server.domain.group import GroupNaming

_PRIVATE = 0o700


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSpace:
    """A configuration and the database that it names, with its schema up to date."""

    config: ServerConfig
    database: Database

    @property
    def group_naming(self) -> GroupNaming:
        """How groups are named in this space."""
        return GroupNaming(
            service_id=self.config.group_service_id, aliases=self.config.service.group_aliases
        )


def load(arguments: argparse.Namespace) -> LoadedConfig:
    """The configuration that the options, the environment and the file say."""
    file = Path(arguments.config) if arguments.config else None
    return load_config(config_file=file, environ=os.environ, options=settings_of(arguments))


@contextmanager
def open_space(arguments: argparse.Namespace, *, create: bool = False) -> Iterator[OpenSpace]:
    """The space of a command, closed at the end.

    With `create` a data directory that is missing is made; without, a mistyped name is an
    error rather than an empty space.
    """
    config = load(arguments).config
    prepare_data_dir(config, create=create)
    database = Database(config.database_url)
    try:
        database.upgrade()
        yield OpenSpace(config=config, database=database)
    finally:
        database.close()


def prepare_data_dir(config: ServerConfig, *, create: bool) -> None:
    """Makes the data directory or, without `create`, insists on one that holds a space."""
    if config.data_dir is None:
        return
    if create:
        config.data_dir.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
        return
    file = _database_file(config)
    if file is not None and not file.is_file():
        raise CommandError(
            f"there is no space in {config.data_dir}; `vospace-server serve` and "
            "`vospace-server user add` make one"
        )


def _database_file(config: ServerConfig) -> Path | None:
    if config.database.url is not None:
        return None
    return Path(config.database_url.removeprefix("sqlite:///"))
