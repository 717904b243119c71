"""Where the log goes: stderr in the foreground, else a file beside the cache."""

import hashlib
import logging
import logging.handlers
import sys
from pathlib import Path
from typing import Final

from vofs.config import MountConfig
from vofs.mount.errors import MountError

_FORMAT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_MAX_LOG_BYTES: Final = 10 * 1024 * 1024


def configure_log(config: MountConfig) -> None:
    """Send the log of our packages to its place; raises MountError when it can't be opened."""
    handler: logging.Handler
    path = log_path(config)
    if path is None:
        handler = logging.StreamHandler(sys.stderr)
    else:
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handler = logging.handlers.RotatingFileHandler(
                path, maxBytes=_MAX_LOG_BYTES, backupCount=1
            )
        except OSError as error:
            raise MountError(f"the log {path} can't be written: {error.strerror}") from error
    handler.setFormatter(logging.Formatter(_FORMAT))
    logger = logging.getLogger("vofs")
    logger.addHandler(handler)
    logger.setLevel(config.log_level.upper())
    # A full disk must not make a system call fail because it couldn't be logged.
    logging.raiseExceptions = False


def log_path(config: MountConfig) -> Path | None:
    """The file of the log; None is stderr."""
    if config.log_file is not None:
        return config.log_file
    if config.foreground:
        return None
    name = hashlib.sha256(str(config.mountpoint).encode()).hexdigest()[:16]
    return config.cache.directory / "log" / f"{name}.log"
