"""Starts the programs that are measured, and ends every one of them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

START_SECONDS = 20.0
STOP_SECONDS = 10.0
POLL_SECONDS = 0.02


class ProgramFailed(RuntimeError):  # noqa: N818 - the condition, not the category
    """A program did not start, did not finish in time, or answered an error."""


def free_port() -> int:
    """A loopback port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def running(
    command: Sequence[str | Path], *, log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Runs a program in a process group of its own, and ends the group afterwards."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
        try:
            yield process
        finally:
            end_group(process)


def end_group(process: subprocess.Popen[bytes]) -> None:
    """Asks the group to end, and kills it when it has not after a while."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
            return


def wait_until_listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Returns when `port` accepts connections.

    Raises:
        ProgramFailed: the process ended, or did not listen in time; with its last words.
    """
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(POLL_SECONDS)
    raise ProgramFailed(f"{program_name(process)} does not listen: {last_words(log)}")


def wait_until_mounted(process: subprocess.Popen[bytes], mountpoint: Path, log: Path) -> None:
    """Returns when something is mounted at `mountpoint`; raises as `wait_until_listening`."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if is_mounted(mountpoint):
            return
        time.sleep(POLL_SECONDS)
    raise ProgramFailed(f"{program_name(process)} does not mount: {last_words(log)}")


def program_name(process: subprocess.Popen[bytes]) -> str:
    """The program's name without its folder."""
    words = process.args
    return Path(words[0]).name if isinstance(words, list) else str(words)


def is_mounted(mountpoint: Path) -> bool:
    """Whether the kernel lists the mount; unlike stat, this tells of a dead mount as well."""
    lines = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    return any(line.split()[1] == str(mountpoint) for line in lines)


def unmount(mountpoint: Path) -> None:
    """Unmounts; lazily when the file system does not let go."""
    for option in ("-u", "-uz"):
        if not is_mounted(mountpoint):
            return
        subprocess.run(["fusermount3", option, mountpoint], capture_output=True, check=False)


def last_words(log: Path) -> str:
    """The last line of a log that says something."""
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "no output"


def finish(
    command: Sequence[str | Path], *, timeout_seconds: float, says: str | None = None
) -> str:
    """Runs a program to its end, with `says` as its input, and returns what it printed.

    Raises:
        ProgramFailed: it failed, or took longer than `timeout_seconds`.
    """
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words,
            input=says,
            capture_output=True,
            text=True,
            timeout=timeout_seconds,
            check=True,
        )
    except subprocess.TimeoutExpired:
        raise ProgramFailed(f"> {timeout_seconds:.0f} s") from None
    except subprocess.CalledProcessError as error:
        lines = error.stderr.strip().splitlines() or [f"exit status {error.returncode}"]
        raise ProgramFailed(lines[-1]) from None
    return done.stdout


def resident_mib(pid: int) -> float:
    """The largest resident size that a process and its children have had, in MiB."""
    total_kib = 0
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            total_kib = int(line.split()[1])
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return total_kib / 1024 + sum(resident_mib(int(child)) for child in children)
