"""The example file names every setting with its default and can be read as it is."""

import re
import tomllib
from dataclasses import fields
from pathlib import Path

from vospace_server.config import load_config
from vospace_server.config.sections import SECTIONS

EXAMPLE = Path(__file__).parents[3] / "deploy" / "server.example.toml"


def test_the_example_file_can_be_used_and_changes_only_the_data_directory() -> None:
    loaded = load_config(config_file=EXAMPLE, environ={}, options={})

    plain = load_config(config_file=None, environ={}, options={"data_dir": "/srv/space"})
    assert loaded.config == plain.config


def test_the_example_file_names_every_setting() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    # A setting that is commented out because it has no default is still named.
    settings = re.findall(r"^#?(\[[a-z]+\]|[a-z_]+ = .+)$", text, re.MULTILINE)
    named = tomllib.loads("\n".join(settings))

    for name, section in SECTIONS.items():
        assert list(named[name]) == [field.name for field in fields(section)]
