"""The command line of `mountvofs`: its own options, those of CADC's, those of mount(8)."""

import argparse
import dataclasses
import importlib.metadata
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, NoReturn

from typing_extensions import override

from vofs.cache.cache_config import CacheConfig
from vofs.client.connection import ConnectionConfig
from vofs.client.credentials import CredentialOptions
from vofs.client.retrying_transport import RetryConfig
from vofs.client.service_location import LocationConfig
from vofs.config import (
    ConfigError,
    FileSettings,
    MountConfig,
    default_cache_dir,
    default_file,
    namespace_timeouts,
    parse_size,
    process_environment,
    read_file,
)
from vofs.filesystem.availability import AvailabilityConfig
from vofs.filesystem.sibling_prefetch import PrefetchConfig
from vofs.filesystem.write_back_state import WriteBackConfig
from vofs.kernel.mounting import FuseLibrary, KernelConfig
from vofs.mount.option_names import (
    FLAG_OPTIONS,
    IGNORED_OPTIONS,
    IGNORED_PREFIXES,
    VALUE_OPTIONS,
)
from vofs.mount.startup import run

EXIT_FAILED: Final = 1
EXIT_MISUSED: Final = 2

_LOG_LEVELS: Final = ("debug", "info", "warning", "error")

_DESCRIPTION: Final = "Mount a VOSpace as a disk."
_EXAMPLES: Final = """\
SOURCE is vos:PATH, vos://authority~service/PATH or https://host/vault/nodes/PATH.

examples:
  mountvofs vos:durand /mnt/durand --service https://vospace.example.org/vault
  mountvofs vos:data/hst-refer /refer -o ro,allow_other
  mount -t fuse.mountvofs vos:durand/data /mnt -o ro
  mountvofs vos:durand /mnt/durand -o writeback
  fusermount -u /mnt/durand

Credentials are looked for in this order: options, VOSPACE_TOKEN / VOSPACE_TOKEN_FILE /
VOSPACE_CERTFILE, ~/.config/vofs/token, ~/.netrc, ~/.ssl/cadcproxy.pem; with none, the mount
is anonymous and read-only.
"""


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong."""

    @override
    def error(self, message: str) -> NoReturn:
        print(f"{self.prog}: {message} (see {self.prog} --help)", file=sys.stderr)
        sys.exit(EXIT_MISUSED)


def main(arguments: Sequence[str] | None = None) -> int:
    """Mount; returns when the mount answers or can't, with 0, 1 (failed) or 2 (misused)."""
    options = _parser().parse_args(arguments)
    if found := foreign_distribution():
        print(f"mountvofs: {found}", file=sys.stderr)
        return EXIT_FAILED
    try:
        config = configuration(options, process_environment())
    except ConfigError as error:
        print(f"mountvofs: {error}", file=sys.stderr)
        return EXIT_MISUSED
    return run(config)


def foreign_distribution() -> str | None:
    """What to say when CADC's `vofs`, which has the same names, is installed here too."""
    try:
        version = importlib.metadata.version("vofs")
    except importlib.metadata.PackageNotFoundError:
        return None
    return (
        f"CADC's distribution 'vofs' {version} is installed in this environment and has the "
        "same module and command; remove it (pip uninstall vofs) and reinstall vospace, or "
        "use another environment"
    )


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="mountvofs",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("source", nargs="?", metavar="SOURCE", help="what to mount")
    parser.add_argument("mountpoint", nargs="?", metavar="MOUNTPOINT", help="an empty folder")
    parser.add_argument(
        "-o",
        action="append",
        default=[],
        metavar="OPT[,OPT]...",
        help="options as for mount(8): ro, allow_other, strict, writeback, timeout=S, ...",
    )
    _add_service_options(parser)
    _add_mount_options(parser)
    _add_former_options(parser)
    return parser


def _add_service_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("service and credentials")
    group.add_argument("--service", metavar="URL", help="address of the service (VOSPACE_URL)")
    group.add_argument("--registry", metavar="URL", help="where services are looked up")
    group.add_argument("--resource-id", metavar="ID", help="which space vos:PATH means")
    group.add_argument("--token-file", metavar="F", help="a file that holds a bearer token")
    group.add_argument("--certfile", metavar="F", help="certificate and key (cadcproxy.pem)")
    group.add_argument("--ca-file", metavar="F", help="certificate authorities to trust")
    group.add_argument("-n", "--netrc", action="store_true", help="password from ~/.netrc")
    group.add_argument("--anonymous", action="store_true", help="use no credentials")


def _add_mount_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("mount and cache")
    group.add_argument("-f", "--foreground", action="store_true", help="don't detach")
    group.add_argument("--read-only", "--readonly", action="store_true", help="as -o ro")
    group.add_argument("--allow-other", "--allow_other", action="store_true")
    group.add_argument("--cache-dir", "--cache_dir", metavar="D", help="folder of the cache")
    group.add_argument("--cache-limit", metavar="SIZE", help="bytes kept on disk [20GiB]")
    group.add_argument(
        "--attr-timeout", metavar="S", help="seconds a node is believed [1; ro 60]"
    )
    group.add_argument("--timeout", metavar="S", help="seconds one operation may take [60]")
    group.add_argument(
        "--strict", action="store_true", help="refuse to overwrite a later writer"
    )
    group.add_argument(
        "--writeback",
        action="store_true",
        help="close returns at once; files are sent in the background (vofs status, flush)",
    )
    group.add_argument(
        "--writeback-sync",
        action="store_true",
        help="the same, and close waits until the bytes are on this machine's disk",
    )
    group.add_argument(
        "--writeback-limit", metavar="SIZE", help="bytes that may wait to be sent [10GiB]"
    )
    group.add_argument("--fuse", choices=("2", "3"), help="libfuse to use [2]")
    group.add_argument("--config", dest="conf", metavar="FILE", help="settings in TOML")
    group.add_argument("--log-file", "--log", metavar="FILE", help="where to log")
    group.add_argument(
        "--log-level", metavar="LEVEL", help="debug, info, warning, error [info]"
    )
    group.add_argument("-v", "--verbose", action="store_true", help="as --log-level debug")
    group.add_argument(
        "-d", "--debug", action="store_true", help="as -v, and libfuse's messages"
    )


def _add_former_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("former options of CADC's mountvofs, still accepted")
    group.add_argument("--vospace", metavar="SOURCE", help="as SOURCE")
    group.add_argument("--mountpoint", dest="former_mountpoint", metavar="DIR")
    # Megabytes there; a unit may be given here.
    group.add_argument("--cache_limit", dest="former_cache_limit", metavar="MB")
    for name in ("--cache_nodes", "--secure_get", "--nothreads"):
        group.add_argument(name, action="store_true", help="without effect")
    group.add_argument("--max_flush_threads", metavar="N", help="without effect")
    group.add_argument("-t", "--token", metavar="TOKEN", help="use --token-file instead")


def configuration(options: argparse.Namespace, environment: Mapping[str, str]) -> MountConfig:
    """Everything about the mount, of options, variables and file; raises ConfigError."""
    source, mountpoint = _places(options)
    flags, values = _mount_options(options.o)
    given = {name: getattr(options, name, None) for name in VALUE_OPTIONS}
    values = values | {name: value for name, value in given.items() if value is not None}
    settings = _file_settings(values.pop("conf", None), environment)
    settings = _merged(settings, values, environment)
    flags |= _option_flags(options)
    return _assemble(source, mountpoint, settings, flags, options, environment)


def _places(options: argparse.Namespace) -> tuple[str, Path]:
    source = options.vospace or options.source
    # With --vospace, a single positional argument can only be the mountpoint.
    second = options.source if options.vospace else options.mountpoint
    mountpoint = options.former_mountpoint or second
    if not source:
        raise ConfigError("no SOURCE: say what to mount, e.g. vos:durand")
    if not mountpoint:
        raise ConfigError("no MOUNTPOINT: say where to mount it")
    return source, Path(mountpoint).absolute()


def _mount_options(groups: Iterable[str]) -> tuple[set[str], dict[str, str]]:
    """The options behind -o: those that are flags, those with values; the rest is ignored."""
    flags: set[str] = set()
    values: dict[str, str] = {}
    for option in (part for group in groups for part in group.split(",") if part):
        name, separator, value = option.partition("=")
        name = name.replace("-", "_")
        if separator and name in VALUE_OPTIONS:
            values[name] = value
        elif not separator and name in FLAG_OPTIONS:
            flags.add(name)
        elif option not in IGNORED_OPTIONS and not option.startswith(IGNORED_PREFIXES):
            raise ConfigError(f"there is no mount option {option!r}")
    return flags, values


def _option_flags(options: argparse.Namespace) -> set[str]:
    pairs = {
        "ro": options.read_only,
        "allow_other": options.allow_other,
        "strict": options.strict,
        "anonymous": options.anonymous,
        "debug": options.debug,
        "writeback": options.writeback,
        "writeback_sync": options.writeback_sync,
    }
    return {name for name, is_given in pairs.items() if is_given}


def _file_settings(conf: str | None, environment: Mapping[str, str]) -> FileSettings:
    if conf is not None:
        return read_file(Path(conf))
    path = default_file(environment)
    return read_file(path) if path.is_file() else FileSettings()


def _merged(
    settings: FileSettings, values: Mapping[str, str], environment: Mapping[str, str]
) -> FileSettings:
    """The file's settings with the variables and options over them."""
    changes: dict[str, object] = {}
    for name, variable in (("service", "VOSPACE_URL"), ("registry", "VOSPACE_REGISTRY")):
        if environment.get(variable):
            changes[name] = environment[variable]
    for name, text in values.items():
        if name in {"token_file", "certfile", "ca_file", "cache_dir"}:
            changes[name] = Path(text).expanduser().absolute()
        elif name in {"timeout", "attr_timeout"}:
            changes[name] = _seconds(name, text)
        else:
            changes[name] = text
    return dataclasses.replace(settings, **changes)  # type: ignore[arg-type]  # names are checked


def _seconds(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if value < 0:
        raise ConfigError(f"{name} must be a number of seconds, not {text!r}")
    return value


def _assemble(
    source: str,
    mountpoint: Path,
    settings: FileSettings,
    flags: set[str],
    options: argparse.Namespace,
    environment: Mapping[str, str],
) -> MountConfig:
    read_only = "ro" in flags or settings.read_only
    namespace, known_seconds, absent_seconds = namespace_timeouts(
        settings.attr_timeout, read_only=read_only, immutable="immutable" in flags
    )
    is_debug = "debug" in flags or options.verbose
    return MountConfig(
        source=source,
        mountpoint=mountpoint,
        read_only=read_only,
        strict="strict" in flags,
        foreground=options.foreground,
        log_level="debug" if is_debug else _log_level(settings.log_level),
        log_file=Path(options.log_file).absolute() if options.log_file else None,
        location=_location(settings),
        credentials=_credentials(settings, flags, options),
        connection=ConnectionConfig(
            retry=retry_within(settings.timeout), ca_file=settings.ca_file
        ),
        cache=CacheConfig(
            directory=settings.cache_dir or default_cache_dir(environment),
            limit_bytes=_cache_limit(options, settings),
            read_seconds=2 * settings.timeout,
        ),
        namespace=namespace,
        availability=AvailabilityConfig(fallback_seconds=min(3.0, settings.timeout)),
        prefetch=PrefetchConfig(enabled="noprefetch" not in flags),
        write_back=_write_back(settings, flags),
        kernel=_kernel(source, settings, flags, known_seconds, absent_seconds),
    )


def _write_back(settings: FileSettings, flags: set[str]) -> WriteBackConfig:
    durable = "writeback_sync" in flags or settings.writeback_sync
    return WriteBackConfig(
        enabled=durable or "writeback" in flags or settings.writeback,
        durable=durable,
        limit_bytes=parse_size(settings.writeback_limit),
    )


def _location(settings: FileSettings) -> LocationConfig:
    return LocationConfig(
        service=settings.service,
        resource_id=settings.resource_id,
        services=settings.services,
        registry=settings.registry,
    )


def _credentials(
    settings: FileSettings, flags: set[str], options: argparse.Namespace
) -> CredentialOptions:
    return CredentialOptions(
        token=options.token,
        token_file=settings.token_file,
        certfile=settings.certfile,
        prefer_netrc=options.netrc,
        anonymous="anonymous" in flags,
    )


def _kernel(
    source: str,
    settings: FileSettings,
    flags: set[str],
    known_seconds: float,
    absent_seconds: float,
) -> KernelConfig:
    try:
        library = FuseLibrary(settings.fuse)
    except ValueError as error:
        raise ConfigError(f"fuse must be 2 or 3, not {settings.fuse!r}") from error
    return KernelConfig(
        library=library,
        attr_timeout_seconds=known_seconds,
        negative_timeout_seconds=absent_seconds,
        allow_other="allow_other" in flags,
        nonempty="nonempty" in flags,
        debug="debug" in flags,
        fsname=source,
    )


def _log_level(text: str) -> str:
    if text.lower() not in _LOG_LEVELS:
        raise ConfigError(f"log_level must be one of {', '.join(_LOG_LEVELS)}, not {text!r}")
    return text.lower()


def retry_within(timeout_seconds: float) -> RetryConfig:
    """Retries that fit into the time of one operation."""
    default = RetryConfig()
    return dataclasses.replace(
        default,
        operation_seconds=timeout_seconds,
        connect_seconds=min(default.connect_seconds, timeout_seconds),
        stall_seconds=min(default.stall_seconds, timeout_seconds),
        unreachable_seconds=min(default.unreachable_seconds, timeout_seconds),
    )


def _cache_limit(options: argparse.Namespace, settings: FileSettings) -> int:
    former = options.former_cache_limit
    if former is not None and options.cache_limit is None:
        return parse_size(f"{former}MiB" if former.isdigit() else former)
    return parse_size(settings.cache_limit)
