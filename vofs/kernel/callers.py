"""Which program makes a call, and by which system call.

FUSE tells a thread; what counts is the process: close(2) of a descriptor that was inherited by
fork must not send a file that its opener is still writing, and every `subprocess` call of a
program closes all that it inherited.

libfuse hides an open file in the same way before it is removed and before a rename replaces
it. The thread that waits for us is in one of the two system calls, and /proc says in which.
"""

import platform
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from vofs.filesystem.removals import Purpose

UNKNOWN: Final = 0
_PROC: Final = Path("/proc")

# Numbers of unlink, unlinkat and of rename, renameat, renameat2, by machine.
_REMOVING: Final[Mapping[str, frozenset[int]]] = {
    "x86_64": frozenset({87, 263}),
    "aarch64": frozenset({35}),
}
_RENAMING: Final[Mapping[str, frozenset[int]]] = {
    "x86_64": frozenset({82, 264, 316}),
    "aarch64": frozenset({38, 276}),
}


class Callers:
    """Looks up the caller of the call that is being answered in this thread."""

    def __init__(self, thread_of_call: Callable[[], int]) -> None:
        self._thread_of_call = thread_of_call

    def process(self) -> int:
        """The process that calls; UNKNOWN when it is gone or in another namespace."""
        thread = self._thread_of_call()
        if thread == UNKNOWN:
            return UNKNOWN
        try:
            status = (_PROC / str(thread) / "status").read_bytes()
        except OSError:
            return UNKNOWN
        for line in status.splitlines():
            if line.startswith(b"Tgid:"):
                return int(line.split()[1])
        return UNKNOWN

    def purpose_of_hiding(self) -> Purpose:
        """Why the file is being hidden; UNKNOWN where /proc doesn't tell (ptrace(2), Yama)."""
        try:
            words = (_PROC / str(self._thread_of_call()) / "syscall").read_bytes().split()
            number = int(words[0])
        except (OSError, ValueError, IndexError):
            return Purpose.UNKNOWN
        machine = platform.machine()
        if number in _REMOVING.get(machine, ()):
            return Purpose.REMOVE
        if number in _RENAMING.get(machine, ()):
            return Purpose.REPLACE
        return Purpose.UNKNOWN


def is_running(process: int) -> bool:
    """Whether a process exists."""
    return (_PROC / str(process)).exists()
