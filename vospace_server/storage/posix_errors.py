"""The operating system's errors and its ways to stable storage, as a store sees them."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vospace_server.storage.object_store import StoreError, StoreFullError

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turns the operating system's errors into the store's, once, here."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        if error.errno in _NO_ROOM:
            raise StoreFullError(f"the store is full ({reason} while {doing})") from error
        raise StoreError(f"{reason} while {doing}") from error


def fsync_directory(path: Path) -> None:
    """Put the entries of a directory on stable storage."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
