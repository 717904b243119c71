"""A real PostgreSQL for the tests: Debian's programs, a directory of its own, loopback only."""

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg


class PostgresMissingError(Exception):
    """The programs of PostgreSQL are not installed; a lane that needs them fails."""


def free_port() -> int:
    """A TCP port of the loopback address that was free a moment ago.

    Below the ports that the kernel gives to outgoing connections: nobody takes it by chance
    before the server that is meant to have it.
    """
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def programs() -> Path:
    """The folder of PostgreSQL's programs; PostgresMissingError where there is none."""
    folders = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name)
    )
    if folders:
        return folders[-1]
    found = shutil.which("initdb")
    if found is None:
        raise PostgresMissingError("initdb is not on this machine: apt-get install postgresql")
    return Path(found).parent


def _as_owner(arguments: list[str]) -> list[str]:
    """PostgreSQL refuses to run as root, so root runs it as the user of Debian's package."""
    if os.geteuid() != 0:
        return arguments
    return ["runuser", "-u", "postgres", "--", *arguments]


class PostgresServer:
    """One running server; `new_database` clones an empty database in milliseconds."""

    def __init__(
        self, *, directory: Path, port: int, programs: Path, is_durable: bool = False
    ) -> None:
        self._directory = directory
        self._is_durable = is_durable
        self._port = port
        self._programs = programs

    @property
    def address(self) -> str:
        """The part of a URL between `//` and the name of a database."""
        return f"postgres@127.0.0.1:{self._port}"

    @contextmanager
    def new_database(self) -> Iterator[str]:
        """The SQLAlchemy URL of an empty database, dropped at the end."""
        name = f"test_{secrets.token_hex(6)}"
        self._execute(f'CREATE DATABASE "{name}"')
        try:
            yield f"postgresql+psycopg://{self.address}/{name}"
        finally:
            self._execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def start(self) -> None:
        """Create the cluster and start it; returns when it answers."""
        data = str(self._directory / "data")
        run = [
            str(self._programs / "initdb"),
            "-D",
            data,
            "-U",
            "postgres",
            "-A",
            "trust",
            "--no-sync",
        ]
        subprocess.run(_as_owner(run), check=True, capture_output=True)
        options = (
            f"-k {self._directory} -c listen_addresses=127.0.0.1 -c port={self._port} "
            f"-c max_connections=200 -c fsync={'on' if self._is_durable else 'off'}"
        )
        log = str(self._directory / "log")
        run = [
            str(self._programs / "pg_ctl"),
            "-D",
            data,
            "-l",
            log,
            "-o",
            options,
            "-w",
            "start",
        ]
        subprocess.run(_as_owner(run), check=True, capture_output=True)

    def stop(self) -> None:
        """Stop it at once; the directory belongs to the caller."""
        data = str(self._directory / "data")
        run = [str(self._programs / "pg_ctl"), "-D", data, "-m", "immediate", "-w", "stop"]
        subprocess.run(_as_owner(run), check=False, capture_output=True)

    def _execute(self, statement: str) -> None:
        with psycopg.connect(
            f"postgresql://{self.address}/postgres", autocommit=True
        ) as connection:
            connection.execute(statement.encode())


@contextmanager
def running_postgres(directory: Path, *, is_durable: bool = False) -> Iterator[PostgresServer]:
    """A server in the given empty directory for the length of a `with` block.

    Without `is_durable` it is quicker, and a power cut would cost what tests have in it.
    """
    found = programs()
    if os.geteuid() == 0:
        # The path to a temporary directory of pytest is closed to other users.
        directory = Path("/tmp") / f"vospace-postgres-{os.getpid()}-{time.monotonic_ns()}"
        directory.mkdir()
        shutil.chown(directory, "postgres", "postgres")
    server = PostgresServer(
        directory=directory, port=free_port(), programs=found, is_durable=is_durable
    )
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(directory, ignore_errors=True)
