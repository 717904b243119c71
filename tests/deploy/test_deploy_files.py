"""What `deploy/` says is what the programs understand: each file read, each command parsed.

No container engine and no systemd run here, so these files are read, not started; nginx.conf,
which can be, has its own tests.
"""

import configparser
import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml  # type: ignore[import-untyped]

from vofs.cli import _parser as mount_parser
from vofs.cli import configuration
from vofs.config import MountConfig
from vospace_server.commands.arguments import build_parser, settings_of
from vospace_server.config import ServerConfig, load_config
from vospace_server.storage.s3_settings import read_settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
MOUNT_UNITS = ["mountvofs@.service", "user/mountvofs@.service"]


def unit(name: str) -> configparser.ConfigParser:
    # As systemd reads it: names keep their case, % is its own, a key may come again.
    parser = configparser.ConfigParser(interpolation=None, strict=False, comment_prefixes="#")
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string((DEPLOY / "systemd" / name).read_text())
    return parser


def assignments(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text().splitlines() if line and line[0] != "#"]
    return dict(line.split("=", 1) for line in lines)


def mount_config(words: list[str], environment: dict[str, str]) -> MountConfig:
    return configuration(mount_parser().parse_args(words), {"HOME": "/home/x", **environment})


# ------------------------------------------------------------------------------ systemd


@pytest.mark.parametrize("key", ["ExecStart", "ExecStartPre"])
def test_the_server_s_unit_calls_a_command_that_exists(key: str) -> None:
    program, *words = shlex.split(unit("vospace-server.service")["Service"][key])

    arguments = build_parser().parse_args(words)

    assert program == "/opt/vospace/bin/vospace-server"
    assert arguments.config == "/etc/vospace/server.toml"


def test_the_server_is_not_cut_off_while_it_finishes() -> None:
    service = unit("vospace-server.service")["Service"]

    assert int(service["TimeoutStopSec"].rstrip("s")) > ServerConfig().server.shutdown_seconds
    assert service["KillMode"] == "mixed"
    assert int(service["LimitNOFILE"]) > ServerConfig().server.max_connections


def test_the_server_s_unit_is_closed() -> None:
    service = unit("vospace-server.service")["Service"]

    assert service["User"] == "vospace"
    assert service["CapabilityBoundingSet"] == ""
    for setting in ("NoNewPrivileges", "PrivateTmp", "ProtectHome", "PrivateDevices"):
        assert service[setting] == "yes"
    assert service["ProtectSystem"] == "strict"


@pytest.mark.parametrize("name", MOUNT_UNITS)
def test_a_mount_s_unit_mounts_what_its_file_says(name: str) -> None:
    variables = assignments(DEPLOY / "systemd" / "mount.conf.example")
    command = unit(name)["Service"]["ExecStart"]
    for key in ("OPTIONS", "SOURCE", "MOUNTPOINT"):
        command = re.sub(rf"\$\{{{key}\}}|\${key}\b", variables[key], command)

    _program, *words = shlex.split(command)
    config = mount_config(words, variables)

    assert (config.source, config.mountpoint) == ("vos:durand/data", Path("/mnt/durand"))
    assert config.read_only
    assert config.kernel.allow_other
    assert config.location.service == "https://space.example.org/vault"
    assert not config.foreground


@pytest.mark.parametrize("name", MOUNT_UNITS)
def test_a_mount_s_unit_keeps_no_mount_table_of_its_own(name: str) -> None:
    service = unit(name)["Service"]

    private = [key for key in service if key.startswith(("Private", "Protect", "ReadOnly"))]
    assert private == []
    assert service["Type"] == "forking"


# -------------------------------------------------------------------------------- fstab


def fstab_lines() -> list[list[str]]:
    lines = (DEPLOY / "fstab.example").read_text().splitlines()
    return [line.split() for line in lines if line and line[0] != "#"]


def test_every_line_for_fstab_is_a_mount() -> None:
    configs = []
    for source, mountpoint, kind, options, dump, order in fstab_lines():
        assert (kind, dump, order) == ("fuse.mountvofs", "0", "0")
        # This is how mount(8) calls its helper.
        configs.append(mount_config([source, mountpoint, "-o", options], {}))

    assert [str(config.mountpoint) for config in configs] == [
        "/mnt/durand",
        "/mnt/durand-on-demand",
    ]
    assert all(config.read_only and config.kernel.allow_other for config in configs)


# --------------------------------------------------------------------------- containers


def compose() -> dict[str, Any]:
    """The file with the variables that it asks for."""
    text = (DEPLOY / "compose.yaml").read_text()
    text = re.sub(r"\$\{(\w+):\?\}", lambda match: f"value-of-{match[1]}", text)
    assert "$" not in "".join(line for line in text.splitlines() if line[:1] != "#")
    document = yaml.safe_load(text)
    assert isinstance(document, dict)
    return document


def test_compose_configures_a_server_that_has_everything_elsewhere() -> None:
    server = compose()["services"]["server"]
    arguments = build_parser().parse_args(server["command"])
    variables = server["environment"]
    ours = {name: value for name, value in variables.items() if name.startswith("VOSPACE_")}

    config = load_config(config_file=None, environ=ours, options=settings_of(arguments)).config
    store = read_settings(urlsplit(config.storage_url), variables)

    assert config.data_dir is None
    assert config.server.host == "0.0.0.0"
    assert urlsplit(config.database_url).hostname == "database"
    assert store.bucket == "vospace"


def test_the_parts_of_compose_fit_each_other() -> None:
    services = compose()["services"]
    server, database, store = services["server"], services["database"], services["store"]
    url = urlsplit(server["environment"]["VOSPACE_DATABASE_URL"])
    settings = read_settings(
        urlsplit(server["environment"]["VOSPACE_STORAGE_URL"]), server["environment"]
    )
    demo = store["environment"]

    assert url.username == database["environment"]["POSTGRES_USER"]
    assert url.password == database["environment"]["POSTGRES_PASSWORD"]
    assert url.path == f"/{database['environment']['POSTGRES_DB']}"
    address = store["networks"]["space"]["ipv4_address"]
    assert settings.endpoint == f"http://{address}:{demo['RGW_FRONTEND_PORT']}"
    assert address == demo["MON_IP"]
    assert (settings.access_key_id, settings.bucket) == ("vospace", demo["CEPH_DEMO_BUCKET"])
    assert settings.access_key_id == demo["CEPH_DEMO_ACCESS_KEY"]
    assert settings.secret_access_key == demo["CEPH_DEMO_SECRET_KEY"]
    assert set(server["depends_on"]) == {"database", "store"}


def dockerfile() -> list[tuple[str, str]]:
    """Instruction and rest, continuation lines joined."""
    text = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and line[0] != "#"]
    return [(line.split()[0], line.split(None, 1)[1]) for line in lines]


def test_the_image_serves_with_a_command_that_exists() -> None:
    said = dict(dockerfile())

    program = json.loads(said["ENTRYPOINT"])
    arguments = build_parser().parse_args(json.loads(said["CMD"]))
    config = load_config(config_file=None, environ={}, options=settings_of(arguments)).config

    assert program == ["vospace-server"]
    assert str(config.data_dir) == said["VOLUME"]
    assert config.server.port == int(said["EXPOSE"])
    assert said["USER"] == "vospace"


def test_the_image_takes_from_the_tree_what_is_there() -> None:
    copied = [rest.split()[:-1] for word, rest in dockerfile() if word == "COPY"]
    sources = [name for names in copied for name in names if "--from=build" not in names]

    assert "vospace_server" in sources
    assert [name for name in sources if not (ROOT / name).exists()] == []


def test_the_image_is_built_with_the_locked_versions() -> None:
    steps = " ".join(rest for word, rest in dockerfile() if word == "RUN")
    sed = re.search(r"sed (.*?) requirements/dev.lock", steps)
    assert sed is not None

    done = subprocess.run(
        ["sed", *shlex.split(sed[1]), str(ROOT / "requirements" / "dev.lock")],
        capture_output=True,
        text=True,
        check=True,
        timeout=10,
    )
    lines = [line.strip() for line in done.stdout.splitlines()]
    pins = [line for line in lines if line and not line.startswith("#")]

    assert len(pins) > 50
    assert [pin for pin in pins if not re.fullmatch(r"[\w.\[\],-]+==\S+( ; .+)?", pin)] == []
