"""Brings a database to the newest schema, under a lock."""

import time
from pathlib import Path
from typing import Final

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    MetaData,
    Table,
    Text,
    insert,
    inspect,
    select,
)

from vospace_model.nodes import NodeType
from vospace_server.database.node_rows import KIND_CODES
from vospace_server.database.schema import (
    ABOVE_ROOT_ID,
    NEWEST_REVISION,
    ROOT_ID,
    container_size,
    metadata,
    node,
)

MIGRATIONS: Final = Path(__file__).with_name("migrations")

# Any number that nothing else uses; processes that upgrade at once meet at it (PostgreSQL).
_UPGRADE_LOCK: Final = 0x766F7370
# The table is alembic's; it is made and read here so that a database that is new or up to
# date does not need alembic, whose import takes longer than all the rest of a start.
_version = Table("alembic_version", MetaData(), Column("version_num", Text, primary_key=True))


class SchemaTooNewError(Exception):
    """The database was migrated by a newer version of this program."""


def upgrade_schema(engine: Engine) -> None:
    """Make or migrate all tables in one transaction; returns at once if nothing is to do.

    Raises SchemaTooNewError if the database holds a revision that this version doesn't know.
    """
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_UPGRADE_LOCK})")
        revision = read_revision(connection)
        if revision == NEWEST_REVISION:
            return
        if revision is None:
            _create(connection)
        else:
            migrate_to(connection, "head")


def read_revision(connection: Connection) -> str | None:
    """The schema that the database has; None when it has none yet."""
    if not inspect(connection).has_table(_version.name):
        return None
    return connection.scalar(select(_version.c.version_num))


def _create(connection: Connection) -> None:
    metadata.create_all(connection)
    _version.create(connection)
    connection.execute(insert(_version), {"version_num": NEWEST_REVISION})
    plant_root(connection)


def plant_root(connection: Connection) -> None:
    """The root of the tree: public, so that everybody can reach what they may read."""
    now = time.time_ns()
    connection.execute(
        insert(node),
        {
            "id": ROOT_ID,
            "parent_id": ABOVE_ROOT_ID,
            "name": "",
            "kind": KIND_CODES[NodeType.CONTAINER],
            "owner_id": 0,
            "public": True,
            "inherit": False,
            "locked": False,
            "immutable": False,
            "read_groups": "",
            "write_groups": "",
            "length": 0,
            "created_ns": now,
            "modified_ns": now,
            "changed_ns": now,
            "has_properties": False,
            "version": 1,
        },
    )
    connection.execute(
        insert(container_size),
        {
            "node_id": ROOT_ID,
            "total_bytes": 0,
            "total_files": 0,
            "pushed_bytes": 0,
            "pushed_files": 0,
            "entries_changed_ns": 0,
        },
    )
    if connection.dialect.name == "postgresql":
        # The root took its id by hand; the counter must not hand it out again.
        connection.exec_driver_sql(
            f"SELECT setval(pg_get_serial_sequence('node', 'id'), {ROOT_ID})"
        )


def migrate_to(connection: Connection, revision: str) -> None:
    """Run the migrations that lead from where the database is to a revision, or to `head`.

    Raises SchemaTooNewError if this version does not know where the database is.
    """
    # Imported here because it takes a third of a second, which no start should cost that has
    # nothing to migrate.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, revision)
    except CommandError as error:
        found = read_revision(connection)
        raise SchemaTooNewError(
            f"the database has schema {found}, which a newer version has made; "
            f"this one knows schemas up to {NEWEST_REVISION}"
        ) from error
