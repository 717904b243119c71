"""The place where the demonstration happens: a folder, a server and mounts, all removed again.

Everything lives under one temporary folder, which is also HOME, so that no setting or
credential of the person who runs the demonstration plays a part, and nothing is left behind.
Processes that leave their parent (a mount does) are found again by a mark in their environment.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
MARK = "SPACE_DEMONSTRATION"
STOP_SECONDS = 10.0
POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The folder, the port for the server, the environment, and what was left running."""

    home: Path
    port: int
    environment: dict[str, str]
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)


@contextmanager
def stage() -> Iterator[Stage]:
    """A stage that is cleared whatever happens, also at SIGTERM and Ctrl-C."""
    home = Path(tempfile.mkdtemp(prefix="vospace-demo-"))
    port = _free_port()
    previous = signal.signal(signal.SIGTERM, _interrupt)
    ours = Stage(home=home, port=port, environment=_environment(home, port))
    try:
        yield ours
    finally:
        # A second Ctrl-C must not leave a mount behind.
        ignored = [signal.signal(number, signal.SIG_IGN) for number in _STOPPING]
        _clear(ours)
        for number, handler in zip(_STOPPING, ignored, strict=True):
            signal.signal(number, handler)
        signal.signal(signal.SIGTERM, previous)


_STOPPING = (signal.SIGINT, signal.SIGTERM)


def _interrupt(number: int, frame: object) -> None:
    del number, frame
    raise KeyboardInterrupt


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _environment(home: Path, port: int) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("VOSPACE_", "VOFS_", "XDG_"))
    }
    url = f"http://127.0.0.1:{port}/vault"
    return kept | {
        MARK: str(home),
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        # The commands, curl and astropy of this environment, before the system's.
        "PATH": f"{Path(sys.executable).parent}:{kept.get('PATH', os.defpath)}",
        "PYTHONPATH": str(REPOSITORY),
        "VOSPACE_DATA_DIR": str(home / "space"),
        "VAULT": url,
    }


def mounts_below(home: Path) -> list[Path]:
    """Every mount under the folder, dead ones too, the newest first."""
    lines = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    points = [Path(line.split()[1].replace("\\040", " ")) for line in reversed(lines)]
    return [point for point in points if point.is_relative_to(home)]


def processes_of(home: Path) -> list[int]:
    """The processes that carry the mark of this stage."""
    mark = f"{MARK}={home}\0".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark in (folder / "environ").read_bytes() and int(folder.name) != os.getpid():
                found.append(int(folder.name))
    return found


def _clear(ours: Stage) -> None:
    for option in ("-u", "-uz"):
        # What does not let go is detached, and its process is ended below.
        for point in mounts_below(ours.home):
            subprocess.run(["fusermount", option, point], capture_output=True, check=False)
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in processes_of(ours.home):
            with suppress(ProcessLookupError):
                os.kill(process, number)
        _wait_until(lambda: not processes_of(ours.home))
    for child in ours.running:
        child.wait()
    shutil.rmtree(ours.home, ignore_errors=True)


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + STOP_SECONDS
    while not condition() and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
