"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.servers import rclone_program

# The first number after the program's name, before the versions of what it is built on.
_VERSION = re.compile(r"(?:nginx/|SSHFS version |File System V|curl |rclone v)([\d.]+)")
PYTHON_PACKAGES = ("fusepy", "httpx", "uvicorn", "starlette", "SQLAlchemy")
PROGRAMS = (
    ("nginx", "-v"),
    ("sshfs", "--version"),
    ("s3fs", "--version"),
    ("curl", "--version"),
)


def describe_machine() -> list[str]:
    """Lines for the head of a result: date, commit, processor, memory, disk and versions."""
    memory_kib = int(_after_colon(Path("/proc/meminfo"), "MemTotal").split()[0])
    processor = _after_colon(Path("/proc/cpuinfo"), "model name")
    packages = ", ".join(f"{name} {version(name)}" for name in PYTHON_PACKAGES)
    return [
        f"date: {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, commit {_commit()}",
        f"machine: {processor}, {os.cpu_count()} cores, {memory_kib / 2**20:.0f} GiB",
        f"system: Linux {platform.release()}, load before the run {os.getloadavg()[0]:.1f}",
        f"ours: Python {platform.python_version()}, {packages}",
        f"peers: {', '.join(_program_versions())}",
    ]


def _commit() -> str:
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"


def _after_colon(file: Path, key: str) -> str:
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.startswith(key):
            return line.partition(":")[2].strip()
    return "unknown"


def _program_versions() -> list[str]:
    programs = list(PROGRAMS)
    rclone = rclone_program()
    if rclone is not None:
        programs.append((rclone, "version"))
    return [text for text in map(_first_line, programs) if text]


def _first_line(command: tuple[str, str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    found = _VERSION.search(done.stdout + done.stderr)
    return f"{Path(command[0]).name} {found[1]}" if found else ""
