"""Which program makes a call: FUSE tells a thread, and what counts is the process.

close(2) of a descriptor that was inherited by fork must not send a file that its opener is
still writing: every `subprocess` call of a program closes all that it inherited.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

UNKNOWN: Final = 0
_PROC: Final = Path("/proc")


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


def is_running(process: int) -> bool:
    """Whether a process exists."""
    return (_PROC / str(process)).exists()
