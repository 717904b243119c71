"""Loads libfuse, chooses the mount options, and serves until the mount is gone."""

import enum
import importlib
import os
from dataclasses import dataclass
from types import ModuleType
from typing import Final

from vofs.kernel.binding import MAX_BACKGROUND, Libfuse2Calls, Libfuse3Calls
from vofs.kernel.call_journal import CallJournal
from vofs.kernel.operations import Operations

_LIBFUSE3_THREADS: Final = 128


class FuseLibrary(enum.Enum):
    """Which libfuse the kernel is spoken to through."""

    LIBFUSE2 = "2"
    LIBFUSE3 = "3"


class FuseUnavailableError(Exception):
    """The library can't be loaded or refuses to mount; the text says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelConfig:
    """How the kernel is told to treat the mount. The reasons are measurements (fuse.md B2)."""

    library: FuseLibrary = FuseLibrary.LIBFUSE2
    # How long the kernel believes what it was told of a node.
    attr_timeout_seconds: float = 1.0
    # How long it believes that a name doesn't exist.
    negative_timeout_seconds: float = 0.0
    # Other users of this machine may use the mount; the kernel then checks mode bits, as the
    # service sees one caller only.
    allow_other: bool = False
    # Mount over a folder that isn't empty.
    nonempty: bool = False
    debug: bool = False
    # Shown by mount(8) and df(1) as the device.
    fsname: str = "vos:"


def load_library(library: FuseLibrary) -> ModuleType:
    """Import the binding; raises FuseUnavailableError with what to install.

    An import by name, because importing a binding loads its C library, and which one it is is
    a setting.
    """
    if library is FuseLibrary.LIBFUSE3:
        # mfusepy takes libfuse 2 first unless told.
        os.environ.setdefault("FUSE_LIBRARY_NAME", "fuse3")
    name, package, debian = {
        FuseLibrary.LIBFUSE2: ("fuse", "vospace[mount]", "libfuse2"),
        FuseLibrary.LIBFUSE3: ("mfusepy", "vospace[fuse3]", "libfuse3-3"),
    }[library]
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        raise FuseUnavailableError(
            f"the Python package {name!r} is missing: pip install '{package}'"
        ) from error
    except OSError as error:
        raise FuseUnavailableError(
            f"libfuse {library.value} is missing: on Debian, apt install {debian}"
        ) from error
    if library is FuseLibrary.LIBFUSE3 and module.fuse_version_major != 3:  # noqa: PLR2004
        raise FuseUnavailableError("mfusepy was loaded with libfuse 2; libfuse 3 was asked for")
    return module


def fuse_options(config: KernelConfig) -> dict[str, str | bool | float]:
    """The options of the mount call, by name; True is an option without a value."""
    options: dict[str, str | bool | float] = {
        "foreground": True,
        "debug": config.debug,
        "fsname": config.fsname.replace(",", r"\,"),
        "subtype": "vofs",
        "nosuid": True,
        "nodev": True,
        # After a kill -9 the mountpoint is clean.
        "auto_unmount": True,
        "attr_timeout": config.attr_timeout_seconds,
        "entry_timeout": config.attr_timeout_seconds,
        "negative_timeout": config.negative_timeout_seconds,
    }
    if config.allow_other:
        options |= {"allow_other": True, "default_permissions": True}
    if config.library is FuseLibrary.LIBFUSE3:
        return options | {"max_threads": _LIBFUSE3_THREADS}
    options |= {
        # Requests of 128 KiB instead of 4 KiB.
        "big_writes": True,
        # 20 ms of latency, 32 readers: 390 MB/s instead of 76.
        "max_background": MAX_BACKGROUND,
        "congestion_threshold": MAX_BACKGROUND,
        # open(O_TRUNC) is one call.
        "atomic_o_trunc": True,
    }
    return options | ({"nonempty": True} if config.nonempty else {})


def serve(
    operations: Operations,
    mountpoint: str,
    config: KernelConfig,
    *,
    module: ModuleType,
    journal: CallJournal,
) -> None:
    """Mount and answer calls until the mount is gone.

    Raises FuseUnavailableError when libfuse refuses; what it had to say is on stderr.
    """
    calls = Libfuse3Calls if config.library is FuseLibrary.LIBFUSE3 else Libfuse2Calls
    members = {"journal": journal, "structures": module}
    # The class is made here because its base is known only now.
    fuse_class = type("VospaceFuse", (calls, module.FUSE), members)
    try:
        fuse_class(operations, mountpoint, raw_fi=True, **fuse_options(config))
    except RuntimeError as error:
        raise FuseUnavailableError(f"libfuse refused to mount (status {error})") from error


def caller_thread(module: ModuleType) -> int:
    """The thread id of the program whose call is being answered; 0 when it can't be known."""
    _uid, _gid, thread_id = module.fuse_get_context()
    return int(thread_id)
