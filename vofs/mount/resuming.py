"""What passes from one mount to the next: files that were closed and not sent."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from vofs.cache.file_ranges import lock_file, open_file
from vofs.filesystem.spool import Orphan
from vofs.mount.building import MountedSpace
from vospace_model.faults import InvalidURI
from vospace_model.uris import NodePath

_NAME: Final = "ending"
# Mounts that start at the same time hold one another up for no longer.
_MOMENT_SECONDS: Final = 0.1


@contextmanager
def ending(spool: Path) -> Iterator[None]:
    """Say to mounts that start now that one without a mountpoint still sends."""
    descriptor = open_file(spool / _NAME)
    try:
        # Others may be ending at the same time.
        lock_file(descriptor, fcntl.LOCK_SH, 1.0)
        yield
    finally:
        os.close(descriptor)


def await_ending_mounts(spool: Path, seconds: float, notice: Callable[[str], None]) -> None:
    """Wait for mounts that end: what they still send would be missing in ours.

    After so many seconds, which is as long as they may take, ours begins anyway.
    """
    descriptor = open_file(spool / _NAME)
    try:
        if lock_file(descriptor, fcntl.LOCK_EX, _MOMENT_SECONDS):
            return
        notice("waiting for an earlier mount to send what was closed in it")
        lock_file(descriptor, fcntl.LOCK_EX, seconds)
    finally:
        os.close(descriptor)


def resume_pending(mounted: MountedSpace, notice: Callable[[str], None]) -> None:
    """Have what an earlier mount left at or below our root shown, and sent, by this one."""
    if mounted.filesystem.read_only:
        return
    root, caller = mounted.space.root, mounted.space.caller

    def is_ours(orphan: Orphan) -> bool:
        try:
            return NodePath.parse(orphan.path).is_within(root)
        except InvalidURI:
            return False

    count = mounted.write_back.resume(is_ours, caller or "")
    if count:
        notice(f"{count} files that were closed in an earlier mount are being sent")
