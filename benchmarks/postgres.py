"""A PostgreSQL of the benchmark's own: that of the tests, but with commits that are durable."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from benchmarks.processes import ProgramFailed
from tests.support.postgres import PostgresMissingError, programs, running_postgres


@contextmanager
def postgres_database() -> Iterator[str]:
    """The URL of an empty database; its server ends with the block, and leaves nothing."""
    with tempfile.TemporaryDirectory(prefix="vospace-scale-postgres-") as folder:
        try:
            with (
                running_postgres(Path(folder), is_durable=True) as server,
                server.new_database() as url,
            ):
                yield url
        except PostgresMissingError as error:
            raise ProgramFailed(str(error)) from error


def refresh_statistics(url: str) -> None:
    """What autovacuum does some minutes after a table has been filled (VACUUM, ANALYZE)."""
    address = url.replace("postgresql+psycopg", "postgresql")
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def version() -> str:
    """Which PostgreSQL is measured."""
    shown = subprocess.run(
        [programs() / "postgres", "--version"], capture_output=True, text=True, check=True
    )
    return shown.stdout.strip()
