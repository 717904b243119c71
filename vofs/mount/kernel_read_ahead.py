"""How far the kernel reads ahead of a program; only root may set it.

Over 20 ms of latency, one reader gets 219 MB/s with 1 MiB instead of 13 MB/s with 128 KiB.
"""

import logging
import os
from pathlib import Path
from typing import Final

_log = logging.getLogger(__name__)

_KILOBYTES: Final = 1024


def set_read_ahead(mountpoint: Path) -> None:
    """Set it where we may; without it, our own read-ahead does most of the work."""
    if os.geteuid() != 0:
        return
    try:
        device = mountpoint.stat().st_dev
        setting = Path(f"/sys/class/bdi/{os.major(device)}:{os.minor(device)}/read_ahead_kb")
        setting.write_text(str(_KILOBYTES), encoding="ascii")
    except OSError as error:
        _log.debug("the kernel keeps its read-ahead: %s", error)
