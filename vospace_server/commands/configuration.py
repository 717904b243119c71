"""`vospace-server config …`."""

import argparse
import dataclasses
import json
from pathlib import Path

from vospace_server.commands.opening import load
from vospace_server.config import LoadedConfig

_MASK = "(hidden)"


def show(arguments: argparse.Namespace) -> int:
    """Prints the configuration in force, as a file that would say the same."""
    loaded = load(arguments)
    _print_setting("data_dir", loaded.config.data_dir, loaded.origins.get("data_dir"))
    for section in dataclasses.fields(loaded.config):
        if section.name != "data_dir":
            print(f"\n[{section.name}]")
            _print_section(section.name, loaded)
    return 0


def check(arguments: argparse.Namespace) -> int:
    """Says that the configuration can be used; if not, reading it raises."""
    count = len(load(arguments).origins)
    print(f"the configuration is good ({count} settings differ from the defaults)")
    return 0


def _print_section(name: str, loaded: LoadedConfig) -> None:
    section = getattr(loaded.config, name)
    for field in dataclasses.fields(section):
        value = getattr(section, field.name)
        if field.metadata["about"].secret and value is not None:
            value = _MASK
        _print_setting(field.name, value, loaded.origins.get(f"{name}.{field.name}"))


def _print_setting(key: str, value: object, origin: str | None) -> None:
    """One line of TOML; a setting that has no value is a comment."""
    source = "default" if origin is None else origin
    if value is None:
        print(f"# {key} is not set")
        return
    plain = str(value) if isinstance(value, Path) else value
    # JSON's texts, numbers, switches and arrays are TOML's as well.
    print(f"{key} = {json.dumps(plain, ensure_ascii=False)}  # {source}")
