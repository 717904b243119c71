"""`vospace-server upgrade`, `fsck` and `gc`: what a space needs from time to time."""

import argparse
import re
from datetime import timedelta

from vospace_server.commands.failures import MISUSED, CommandError
from vospace_server.commands.opening import (
    load,
    open_space,
    open_storage,
    prepare_data_dir,
)
from vospace_server.database.engine import Database
from vospace_server.domain.byte_size import format_size
from vospace_server.services.garbage import GarbageService

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_TIME = re.compile(r"(\d{1,9})([smhd])", re.ASCII)


def upgrade(arguments: argparse.Namespace) -> int:
    """Makes the tables or brings them to the newest schema."""
    config = load(arguments).config
    prepare_data_dir(config, create=True)
    database = Database(config.database_url)
    try:
        before = database.revision()
        database.upgrade()
        after = database.revision()
    finally:
        database.close()
    if before == after:
        print(f"the database has the newest schema already ({after})")
    else:
        print(f"the database now has schema {after} (before: {before or 'none'})")
    return 0


def collect_garbage(arguments: argparse.Namespace) -> int:
    """Removes stored bytes that no node has referred to for the time of grace."""
    grace = _read_time(arguments.grace)
    with open_space(arguments) as space, open_storage(space.config) as store:
        report = GarbageService(database=space.database, store=store, grace=grace).collect()
    print(
        f"removed {report.removed_objects} objects ({format_size(report.removed_bytes)}) and "
        f"{report.removed_incomplete} incomplete uploads; {report.marked} more are unused and "
        f"in their time of grace"
    )
    return 0


def _read_time(text: str) -> timedelta:
    """A time such as 24h, 90m, 7d or 30s."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise CommandError(f"{text!r} is not a time such as 24h, 90m, 7d", status=MISUSED)
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])
