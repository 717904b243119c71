"""Mountpoints: may we mount there, is a dead mount in the way, and how to end one."""

import errno
import os
import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Final

from vofs.mount.errors import MountError

_MOUNTS: Final = Path("/proc/self/mounts")
_OCTAL: Final = re.compile(r"\\([0-7]{3})")
_UNMOUNT_SECONDS: Final = 20.0


def prepare(mountpoint: Path, *, nonempty: bool) -> None:
    """Make sure that we may mount there; clean up what a dead mount left behind.

    Raises MountError with what is in the way.
    """
    check_fuse()
    try:
        found = mountpoint.stat()
    except FileNotFoundError as error:
        raise MountError(f"the mountpoint {mountpoint} doesn't exist") from error
    except OSError as error:
        if error.errno not in {errno.ENOTCONN, errno.ECONNABORTED}:
            raise MountError(
                f"the mountpoint {mountpoint} can't be used: {error.strerror}"
            ) from error
        _clean(mountpoint)
        found = mountpoint.stat()
    if not stat.S_ISDIR(found.st_mode):
        raise MountError(f"the mountpoint {mountpoint} is not a folder")
    if is_mounted(mountpoint):
        raise MountError(
            f"something is mounted on {mountpoint} already; unmount it first "
            f"(fusermount -u {mountpoint})"
        )
    if not nonempty and any(mountpoint.iterdir()):
        raise MountError(
            f"the mountpoint {mountpoint} is not empty; -o nonempty mounts over it"
        )


def check_fuse() -> None:
    """Raises MountError when this machine or container offers no FUSE."""
    try:
        descriptor = os.open("/dev/fuse", os.O_RDWR)
    except FileNotFoundError as error:
        raise MountError(
            "no FUSE here: /dev/fuse is missing (modprobe fuse; in a container, give it "
            "the device: --device /dev/fuse --cap-add SYS_ADMIN)"
        ) from error
    except OSError as error:
        raise MountError(
            f"no FUSE here: /dev/fuse can't be opened: {error.strerror}"
        ) from error
    os.close(descriptor)
    if fusermount() is None:
        raise MountError("no FUSE here: fusermount is missing (Debian: apt install fuse3)")


def fusermount() -> str | None:
    """The program that mounts and unmounts for ordinary users; None when it is missing."""
    return shutil.which("fusermount") or shutil.which("fusermount3")


def is_mounted(mountpoint: Path) -> bool:
    """Whether the kernel lists a mount exactly there, dead or alive."""
    return str(mountpoint) in mounted_places()


def mounted_places() -> list[str]:
    """Where anything is mounted, the last mount last."""
    lines = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    places = [line.split(" ")[1] for line in lines]
    # Spaces and tabs are written in octal.
    return [_OCTAL.sub(lambda match: chr(int(match[1], 8)), place) for place in places]


def unmount(mountpoint: Path) -> bool:
    """End the mount, whoever uses it; whether it is gone from the tree."""
    program = fusermount()
    for flags in (["-u"], ["-u", "-z"]):
        if program is None or not is_mounted(mountpoint):
            break
        subprocess.run(
            [program, *flags, str(mountpoint)],
            check=False,
            capture_output=True,
            timeout=_UNMOUNT_SECONDS,
        )
    return not is_mounted(mountpoint)


def _clean(mountpoint: Path) -> None:
    """Remove what a killed mount left: it answers "transport endpoint is not connected"."""
    if not unmount(mountpoint):
        raise MountError(
            f"a dead mount is on {mountpoint} and can't be removed; "
            f"try: fusermount -u -z {mountpoint}"
        )
