"""Where the server's log lines go: standard error, one line each, times in UTC."""

import logging
import sys
import time

from vospace_server.config import LoggingSection

_FORMAT = "%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s %(message)s"


def set_up_logging(settings: LoggingSection) -> None:
    """Sends our log and uvicorn's to standard error from the configured level on."""
    formatter = logging.Formatter(_FORMAT, "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("vospace_server").setLevel(settings.level.upper())
    if not settings.requests:
        logging.getLogger("vospace_server.requests").setLevel(logging.WARNING)
    # What it says of start and stop at INFO, `serve` says itself, and in our words.
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
