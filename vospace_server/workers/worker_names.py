"""Names of workers: from the name alone, whether its process can still be at work."""

import os
import secrets
import socket
from typing import Final

_SEPARATOR: Final = "/"
# Tells this process from an earlier one that had the same number.
_PROCESS: Final = secrets.token_hex(4)


def worker_name(lane: str) -> str:
    """A name for one thread of this process."""
    parts = (socket.gethostname(), str(os.getpid()), _PROCESS, lane)
    return _SEPARATOR.join(parts)


def is_gone(name: str) -> bool:
    """Whether the process of a worker is certainly over: it was on this host and is not.

    False where that can't be known. A mistake would be harmless: whoever lost a job that way
    can't write to it any more.
    """
    host, _, rest = name.partition(_SEPARATOR)
    number, _, rest = rest.partition(_SEPARATOR)
    process, _, _ = rest.partition(_SEPARATOR)
    if host != socket.gethostname() or not number.isdigit():
        return False
    if int(number) == os.getpid():
        return process != _PROCESS
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
