"""Faults injected into the operations of a real mount: an errno each, and the mount lives."""

import errno
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.mounts import is_mounted, wait_until

# Operations whose names say how they fail; the rest of the stack is the real one.
SCRIPT = """
    import builtins, sys, time
    from vofs.filesystem.open_files import Opened
    from vofs.kernel.attributes import FileAttributes
    from vofs.kernel.call_journal import CallJournal
    from vofs.kernel.mounting import FuseLibrary, KernelConfig, load_library, serve
    from vofs.kernel.operations import Operations

    RESULTS = {"none": None, "text": "text", "long": 1 << 20, "negative": -5, "true": True}

    def attributes(mode, size=100_000):
        return FileAttributes(mode, 1, 0, 0, size, 1, 4096, 0, 0)

    class Broken(Operations):
        def __init__(self):
            self.names = [""]
        def init(self):
            pass
        def destroy(self):
            pass
        def getattr(self, path, handle):
            if path == "/":
                return attributes(0o40755)
            kind, _, what = path[1:].partition("-")
            if kind == "raise":
                raise getattr(builtins, what)()
            if kind == "missing":
                raise FileNotFoundError(2, "missing")
            return attributes(0o100644) if kind != "stat" else RESULTS[what]
        def open(self, path, flags):
            self.names.append(path.rpartition("-")[2])
            return Opened(handle=len(self.names) - 1, direct_io=True)
        def read(self, handle, buffer, offset):
            name = self.names[handle]
            if name in RESULTS:
                return RESULTS[name]
            if name == "interrupt":
                raise KeyboardInterrupt
            buffer[:4] = b"good"
            return 4 if offset == 0 else 0
        def release(self, handle):
            raise SystemExit(3)
        def flush(self, handle):
            pass

    library = FuseLibrary(sys.argv[2])
    config = KernelConfig(library=library, attr_timeout_seconds=0.0)
    module = load_library(library)
    serve(Broken(), sys.argv[1], config, module=module, journal=CallJournal())
"""


@pytest.fixture(params=["2", "3"], ids=["libfuse2", "libfuse3"])
def broken(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A mount whose operations fail as their paths say."""
    mountpoint = tmp_path / "mnt"
    mountpoint.mkdir()
    command = [sys.executable, "-c", textwrap.dedent(SCRIPT), str(mountpoint), request.param]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: is_mounted(mountpoint), "it is mounted")
            wait_until(lambda: os.path.isdir(mountpoint), "it answers")  # noqa: PTH112
            yield mountpoint
            assert process.poll() is None
        finally:
            subprocess.run(["fusermount3", "-u", "-z", str(mountpoint)], check=False)
            process.send_signal(signal.SIGKILL)


def _errno_of_stat(path: Path) -> int | None:
    try:
        path.stat()
    except OSError as error:
        return error.errno
    return None


def _read(path: Path) -> bytes | int | None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.read(descriptor, 4096)
    except OSError as error:
        return error.errno
    finally:
        os.close(descriptor)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("KeyboardInterrupt", errno.EIO),
        ("SystemExit", errno.EIO),
        ("GeneratorExit", errno.EIO),
        ("MemoryError", errno.ENOMEM),
        ("RecursionError", errno.EIO),
        ("ValueError", errno.EIO),
        ("TimeoutError", errno.ETIMEDOUT),
        ("OSError", errno.EIO),
    ],
)
def test_anything_raised_is_an_errno_and_the_mount_lives(
    broken: Path, name: str, number: int
) -> None:
    for _ in range(3):
        assert _errno_of_stat(broken / f"raise-{name}") == number
    assert _errno_of_stat(broken / "missing-file") == errno.ENOENT
    assert _read(broken / "file-good") == b"good"


@pytest.mark.parametrize("what", ["none", "text", "long", "negative", "true", "interrupt"])
def test_bad_result_of_a_read_is_eio_and_the_next_read_is_right(
    broken: Path, what: str
) -> None:
    assert _read(broken / f"file-{what}") == errno.EIO
    assert _read(broken / "file-good") == b"good"


@pytest.mark.parametrize("what", ["none", "text", "long"])
def test_bad_attributes_are_eio_and_the_next_are_right(broken: Path, what: str) -> None:
    assert _errno_of_stat(broken / f"stat-{what}") == errno.EIO
    assert (broken / "file-good").stat().st_size == 100_000
