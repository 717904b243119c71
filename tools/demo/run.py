"""`make demo`: a server, real FITS files in it, and a mount of it, in one minute.

`python -m tools.demo.run` needs no options, writes nothing outside a temporary folder, and
leaves nothing running. It exits with 1 at the first command that fails.
"""

from __future__ import annotations

import os
import shutil
import sys

from tools.demo.chapters import play
from tools.demo.shell import Shell, StepFailed
from tools.demo.stage import stage

NEEDED_PROGRAMS = ("bash", "curl", "fusermount")


def main() -> int:
    """Plays the demonstration; 0 when every command did what it shows."""
    complaint = _what_is_missing()
    if complaint is not None:
        print(complaint, file=sys.stderr)
        return 1
    try:
        with stage() as ours:
            print(
                f"Everything happens in {ours.home}, which is removed at the end.", flush=True
            )
            shell = Shell(ours)
            play(shell, ours)
            shell.say("Stop the server and remove everything")
    except StepFailed as failure:
        print(f"The demonstration stopped: a command {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted: unmounted, stopped, removed.", file=sys.stderr)
        return 130
    print("Unmounted, stopped, removed. All of it was real.")
    return 0


def _what_is_missing() -> str | None:
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "/dev/fuse is missing or may not be used: the demonstration needs to mount."
    for program in NEEDED_PROGRAMS:
        if shutil.which(program) is None:
            return f"The demonstration needs {program}, which is not installed."
    return None


if __name__ == "__main__":
    sys.exit(main())
