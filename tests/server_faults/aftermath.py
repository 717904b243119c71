"""What must be true of a space after a crash, once the times of grace are over."""

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from tests.support.space import Space
from vospace_server.database.engine import Database
from vospace_server.services.quota import QuotaService

HOUR = 3600
LONG_AFTER_NS = 24 * HOUR * 10**9


def database_url(space: Space) -> str:
    """The database of a space that has the embedded one."""
    return f"sqlite:///{space.server.data_dir / 'vospace.sqlite'}"


def sweep_reservations(space: Space) -> None:
    """What the server's own sweeper does five minutes after a crash."""
    database = Database(database_url(space))
    try:
        QuotaService(database=database).sweep(time.time_ns() + LONG_AFTER_NS)
    finally:
        database.close()


def collect_garbage(space: Space) -> None:
    """What `gc` does when the longest time of grace is over."""
    for path in incoming(space):
        os.utime(path, (time.time() - 24 * HOUR,) * 2)
    file = space.server.data_dir / "vospace.sqlite"
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("UPDATE blob SET writing_until = 0 WHERE state = 'writing'")
    space.server.administer("gc", "--grace", "0s")


def incoming(space: Space) -> list[Path]:
    """Temporary files of uploads."""
    return sorted((space.server.data_dir / "storage" / "incoming").iterdir())


def objects(space: Space) -> list[Path]:
    """Finished objects."""
    folder = space.server.data_dir / "storage" / "objects"
    return sorted(path for path in folder.rglob("*") if path.is_file())


def quota_of(space: Space, path: str) -> tuple[int, int]:
    """Bytes and files that count against the quota of an allocation."""
    with space.client(space.owner) as client:
        report = client.get(f"/api/v1/quota/{path}").raise_for_status().json()
    return report["used"], report["files"]


def check_nothing_is_left(space: Space, path: str, total_bytes: int, files: int) -> None:
    """Sweep, collect and check: what is there is what counts, and there is nothing else."""
    sweep_reservations(space)
    assert quota_of(space, path) == (total_bytes, files)
    collect_garbage(space)
    assert incoming(space) == []
    assert sum(each.stat().st_size for each in objects(space)) == total_bytes
    assert len(objects(space)) == files
    assert space.server.administer("fsck") == "nothing is wrong\n"
