"""A PostgreSQL of the benchmark's own: Debian's programs, loopback, its safe defaults."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.processes import (
    ProgramFailed,
    finish,
    free_port,
    running,
    wait_until_listening,
)

_USER: Final = "postgres"
_DATABASE: Final = "space"
_START_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.1


@contextmanager
def postgres_database() -> Iterator[str]:
    """The URL of an empty database; its server ends with the block, and leaves nothing."""
    programs = _programs()
    # The log outside: the server's user makes the folder, and nobody else looks into it.
    with tempfile.TemporaryDirectory(prefix="vospace-scale-postgres-") as folder:
        state = Path(folder)
        data = state / "data"
        if os.geteuid() == 0:
            shutil.chown(state, _USER, _USER)
        finish(
            _as_owner(programs / "initdb", "-D", data, "-U", _USER, "-A", "trust"),
            timeout_seconds=_START_SECONDS,
        )
        port = free_port()
        server = _as_owner(
            programs / "postgres", "-D", data, "-k", state, "-h", "127.0.0.1", "-p", str(port)
        )
        log = state / "log"
        with running([*server, "-c", "max_connections=200"], log=log) as process:
            wait_until_listening(process, port, log)
            address = f"{_USER}@127.0.0.1:{port}"
            psql: list[str | Path] = [programs / "psql", f"postgresql://{address}/postgres"]
            _wait_until_ready(programs, port)
            finish([*psql, "-c", f"CREATE DATABASE {_DATABASE}"], timeout_seconds=60.0)
            yield f"postgresql+psycopg://{address}/{_DATABASE}"


def refresh_statistics(url: str) -> None:
    """What autovacuum does some minutes after a table has been filled (VACUUM, ANALYZE)."""
    psql: list[str | Path] = [
        _programs() / "psql",
        url.replace("postgresql+psycopg", "postgresql"),
    ]
    finish([*psql, "-c", "VACUUM ANALYZE"], timeout_seconds=600.0)


def _programs() -> Path:
    folders = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name)
    )
    if not folders:
        raise ProgramFailed("PostgreSQL is not installed: apt-get install postgresql")
    return folders[-1]


def _wait_until_ready(programs: Path, port: int) -> None:
    """It listens before it answers."""
    deadline = time.monotonic() + _START_SECONDS
    ready: list[str | Path] = [
        programs / "pg_isready",
        "-q",
        "-h",
        "127.0.0.1",
        "-p",
        str(port),
    ]
    while subprocess.run(ready, check=False).returncode:
        if time.monotonic() > deadline:
            raise ProgramFailed("PostgreSQL does not answer")
        time.sleep(_POLL_SECONDS)


def _as_owner(*words: str | Path) -> list[str | Path]:
    """PostgreSQL refuses to run as root, so root runs it as the user of Debian's package."""
    if os.geteuid() != 0:
        return list(words)
    return ["runuser", "-u", _USER, "--", *words]


def version() -> str:
    """Which PostgreSQL is measured."""
    shown = subprocess.run(
        [_programs() / "postgres", "--version"], capture_output=True, text=True, check=True
    )
    return shown.stdout.strip()
