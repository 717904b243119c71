"""Leaves the terminal. Done before anything else, for threads don't survive a fork."""

import os
import sys
from pathlib import Path
from typing import Final

_STANDARD: Final = (0, 1, 2)


def detach_from_terminal() -> bool:
    """Fork twice; True in the process that goes on alone, False in the caller's.

    The process that goes on has a session of its own, no terminal, and / as its folder, so
    that it keeps no other file system busy.
    """
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return False
    os.setsid()
    if os.fork():
        os._exit(0)
    os.chdir("/")
    return True


def redirect_output(path: Path | None) -> None:
    """Send standard input, output and errors to a file, or to nowhere."""
    sys.stdout.flush()
    sys.stderr.flush()
    nowhere = os.open(os.devnull, os.O_RDWR)
    target = nowhere
    if path is not None:
        target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(nowhere, 0)
    os.dup2(target, 1)
    os.dup2(target, 2)
    for descriptor in {nowhere, target} - set(_STANDARD):
        os.close(descriptor)
