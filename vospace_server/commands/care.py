"""`vospace-server upgrade`, `fsck` and `gc`: what a space needs from time to time."""

import argparse

from vospace_server.commands.opening import load, prepare_data_dir
from vospace_server.database.engine import Database


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
