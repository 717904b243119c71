"""`vospace-server upgrade`, `fsck` and `gc`: what a space needs from time to time."""

import argparse
import re
from datetime import timedelta

from vospace_model.byte_sizes import format_size
from vospace_server.commands.failures import MISUSED, CommandError
from vospace_server.commands.opening import (
    load,
    open_space,
    prepare_data_dir,
)
from vospace_server.composition.storing import open_storage
from vospace_server.database.engine import Database
from vospace_server.services.fsck import FsckService
from vospace_server.services.garbage import GarbageService
from vospace_server.services.sizes import SizeService

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


def fsck(arguments: argparse.Namespace) -> int:
    """Compares database and store; 1 when something is wrong and has not been put right."""
    found = unrepaired = 0
    with open_space(arguments) as space, open_storage(space.config) as store:
        service = FsckService(
            database=space.database, store=store, sizes=SizeService(database=space.database)
        )
        checking = service.check(repair=arguments.repair, read_bytes=not arguments.quick)
        for damage in checking:
            print(damage, flush=True)
            found += 1
            unrepaired += not damage.repaired
    if not found:
        print("nothing is wrong")
    else:
        print(f"{found} things are wrong, {found - unrepaired} of them repaired")
    return 1 if unrepaired else 0


def collect_garbage(arguments: argparse.Namespace) -> int:
    """Removes stored bytes that no node has referred to for the time of grace."""
    grace = _read_time(arguments.grace)
    with open_space(arguments) as space, open_storage(space.config) as store:
        report = GarbageService(database=space.database, store=store, grace=grace).collect()
    print(
        f"found {report.marked} objects newly unused; removed {report.removed_objects} objects "
        f"({format_size(report.removed_bytes)}) and {report.removed_incomplete} broken uploads"
    )
    return 0


def _read_time(text: str) -> timedelta:
    """A time such as 24h, 90m, 7d or 30s."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise CommandError(f"{text!r} is not a time such as 24h, 90m, 7d", status=MISUSED)
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])
