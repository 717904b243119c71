"""The settings of a mount: the sections of all parts, and the one file they may come from.

Options of the command win over variables, variables over the file, the file over defaults.
`deploy/mount.example.toml` shows every key; a test compares the two.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from vofs.cache.cache_config import CacheConfig
from vofs.cache.node_cache import NodeCacheConfig
from vofs.client.connection import ConnectionConfig
from vofs.client.credentials import CredentialOptions
from vofs.client.service_location import DEFAULT_RESOURCE_ID, LocationConfig
from vofs.filesystem.availability import AvailabilityConfig
from vofs.filesystem.namespace import NamespaceConfig
from vofs.filesystem.sibling_prefetch import PrefetchConfig
from vofs.filesystem.tree_walks import WalkConfig
from vofs.filesystem.write_back_state import WriteBackConfig
from vofs.kernel.mounting import KernelConfig
from vospace_model import byte_sizes

DEFAULT_CACHE_LIMIT: Final = "20GiB"
DEFAULT_WRITEBACK_LIMIT: Final = "10GiB"
_READ_ONLY_TIMEOUT_SECONDS: Final = 60.0
_READ_WRITE_TIMEOUT_SECONDS: Final = 1.0
_READ_ONLY_NEGATIVE_SECONDS: Final = 5.0


class ConfigError(Exception):
    """A setting can't be understood; the text names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MountConfig:
    """Everything about one mount."""

    source: str
    mountpoint: Path
    read_only: bool = False
    # A later writer elsewhere makes ours fail with ESTALE, instead of the later close winning.
    strict: bool = False
    foreground: bool = False
    log_level: str = "info"
    # None: stderr in the foreground, else a file in the cache directory.
    log_file: Path | None = None
    location: LocationConfig = field(default_factory=LocationConfig)
    credentials: CredentialOptions = field(default_factory=CredentialOptions)
    connection: ConnectionConfig = field(default_factory=ConnectionConfig)
    cache: CacheConfig
    nodes: NodeCacheConfig = field(default_factory=NodeCacheConfig)
    namespace: NamespaceConfig = field(default_factory=NamespaceConfig)
    availability: AvailabilityConfig = field(default_factory=AvailabilityConfig)
    walks: WalkConfig = field(default_factory=WalkConfig)
    prefetch: PrefetchConfig = field(default_factory=PrefetchConfig)
    write_back: WriteBackConfig = field(default_factory=WriteBackConfig)
    kernel: KernelConfig = field(default_factory=KernelConfig)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSettings:
    """What `config.toml` may say; each key is optional, and an option of that name wins."""

    service: str | None = None
    registry: str | None = None
    resource_id: str = DEFAULT_RESOURCE_ID
    services: Mapping[str, str] = field(default_factory=dict)
    token_file: Path | None = None
    certfile: Path | None = None
    ca_file: Path | None = None
    cache_dir: Path | None = None
    cache_limit: str = DEFAULT_CACHE_LIMIT
    timeout: float = 60.0
    attr_timeout: float | None = None
    read_only: bool = False
    writeback: bool = False
    writeback_sync: bool = False
    writeback_limit: str = DEFAULT_WRITEBACK_LIMIT
    fuse: str = "2"
    log_level: str = "info"


def parse_size(text: str) -> int:
    """Bytes of `4096`, `512MiB`, `20GiB`, `10G`, `500MB`; raises ConfigError."""
    try:
        return byte_sizes.parse_size(text)
    except ValueError as error:
        raise ConfigError(str(error)) from error


def read_file(path: Path) -> FileSettings:
    """The settings of a file; raises ConfigError naming the file and the key."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} can't be read: {error}") from error
    known = FileSettings.__dataclass_fields__
    values: dict[str, Any] = {}
    for key, value in document.items():
        if key not in known:
            raise ConfigError(f"{path}: there is no setting {key!r}")
        values[key] = _converted(path, key, value)
    return FileSettings(**values)


def _converted(path: Path, key: str, value: object) -> object:
    wanted = _KINDS[key]
    if wanted is Path and isinstance(value, str):
        return Path(value).expanduser()
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if wanted is dict and isinstance(value, dict):
        return {str(name): str(url) for name, url in value.items()}
    if not isinstance(value, wanted):
        raise ConfigError(f"{path}: {key} must be {_KIND_NAMES[wanted]}")
    return value


_KINDS: Final[Mapping[str, type]] = {
    "service": str,
    "registry": str,
    "resource_id": str,
    "services": dict,
    "token_file": Path,
    "certfile": Path,
    "ca_file": Path,
    "cache_dir": Path,
    "cache_limit": str,
    "timeout": float,
    "attr_timeout": float,
    "read_only": bool,
    "writeback": bool,
    "writeback_sync": bool,
    "writeback_limit": str,
    "fuse": str,
    "log_level": str,
}
_KIND_NAMES: Final[Mapping[type, str]] = {
    str: "text",
    dict: "a table of texts",
    Path: "the path of a file",
    float: "a number",
    bool: "true or false",
}


def default_file(environment: Mapping[str, str]) -> Path:
    """Where the file is looked for when no option names one."""
    base = environment.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "vofs" / "config.toml"


def default_cache_dir(environment: Mapping[str, str]) -> Path:
    """The cache of a user; in a batch job, the scratch disk that the job was given."""
    for variable in ("_CONDOR_SCRATCH_DIR", "SLURM_TMPDIR"):
        if scratch := environment.get(variable):
            return Path(scratch) / "vofs-cache"
    base = environment.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "vofs"


def namespace_timeouts(
    attr_timeout: float | None, *, read_only: bool, immutable: bool
) -> tuple[NamespaceConfig, float, float]:
    """How long nodes are believed: by us, and by the kernel with and without a node there.

    Read-only mounts are of reference trees: looked at again when a file is opened, otherwise
    after a minute. `immutable` says that nothing there ever changes.
    """
    if immutable:
        forever = 86_400.0
        config = NamespaceConfig(
            attr_timeout_seconds=forever,
            negative_timeout_seconds=forever,
            open_timeout_seconds=forever,
        )
        return config, forever, _READ_ONLY_NEGATIVE_SECONDS
    default = _READ_ONLY_TIMEOUT_SECONDS if read_only else _READ_WRITE_TIMEOUT_SECONDS
    timeout = default if attr_timeout is None else attr_timeout
    negative = min(timeout, _READ_ONLY_NEGATIVE_SECONDS)
    config = NamespaceConfig(
        attr_timeout_seconds=timeout,
        negative_timeout_seconds=negative,
        open_timeout_seconds=min(timeout, _READ_WRITE_TIMEOUT_SECONDS),
    )
    return config, timeout, negative if read_only else 0.0


def process_environment() -> Mapping[str, str]:
    """The variables of this process, read once at the start."""
    return dict(os.environ)
