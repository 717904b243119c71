"""Making and migrating the schema, by one process or by several at once."""

import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text

from vospace_model.uris import NodePath
from vospace_server.database.engine import Database
from vospace_server.database.schema import NEWEST_REVISION, metadata
from vospace_server.database.upgrading import MIGRATIONS, SchemaTooNewError, migrate_to


def revision_of(url: str) -> str | None:
    engine = create_engine(url)
    with engine.connect() as connection:
        found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    engine.dispose()
    return found


def test_an_empty_database_gets_every_table_and_a_root(database_url: str) -> None:
    database = Database(database_url)
    database.upgrade()
    with database.read() as unit:
        (root,) = unit.nodes.walk(NodePath.root())
    database.close()

    assert (root.node_id, root.public, root.is_container) == (1, True, True)
    assert revision_of(database_url) == NEWEST_REVISION


def test_upgrading_again_changes_nothing(database_url: str) -> None:
    for _ in range(2):
        database = Database(database_url)
        database.upgrade()
        database.upgrade()
        database.close()

    assert revision_of(database_url) == NEWEST_REVISION


def test_many_may_upgrade_at_once(database_url: str) -> None:
    databases = [Database(database_url) for _ in range(4)]
    faults: list[BaseException] = []
    barrier = threading.Barrier(len(databases))

    def upgrade(database: Database) -> None:
        barrier.wait()
        try:
            database.upgrade()
        except BaseException as error:  # noqa: BLE001 - reported by the assertion
            faults.append(error)

    threads = [threading.Thread(target=upgrade, args=(each,)) for each in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for database in databases:
        database.close()

    assert faults == []


def test_a_database_of_a_newer_version_is_left_alone(database_url: str) -> None:
    database = Database(database_url)
    database.upgrade()
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()

    with pytest.raises(SchemaTooNewError, match="9999"):
        database.upgrade()
    database.close()


def test_the_migrations_lead_to_the_schema(database_url: str) -> None:
    engine = create_engine(database_url)
    with engine.begin() as connection:
        migrate_to(connection, "head")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, metadata)
    engine.dispose()

    assert [each for each in differences if "alembic_version" not in str(each)] == []


def test_a_database_of_an_older_version_is_migrated_with_its_rows(database_url: str) -> None:
    engine = create_engine(database_url)
    with engine.begin() as connection:
        migrate_to(connection, "0001")
        connection.execute(
            text("INSERT INTO size_delta (container_id, bytes, files) VALUES (1, 2, 3)")
        )
    engine.dispose()

    database = Database(database_url)
    database.upgrade()
    with database.read() as unit:
        pending = unit.sizes.pending(1)
    database.close()

    assert (pending.size_bytes, pending.files) == (2, 3)
    assert revision_of(database_url) == NEWEST_REVISION


def test_an_upload_that_has_begun_before_an_upgrade_goes_on(database_url: str) -> None:
    engine = create_engine(database_url)
    begun = {
        "id": "u", "owner_id": 1, "path": "/alice/f", "state": "open", "received_bytes": 0,
        "media_type": "text/plain", "content_id": "c", "created_at": 0, "expires_at": 0,
    }  # fmt: skip
    columns, values = ", ".join(begun), ", ".join(f":{name}" for name in begun)
    with engine.begin() as connection:
        migrate_to(connection, "0007")
        row = text(f"INSERT INTO upload ({columns}) VALUES ({values})")
        connection.execute(row, begun)
    engine.dispose()

    database = Database(database_url)
    database.upgrade()
    with database.read() as unit:
        record = unit.uploads.get("u")
    database.close()

    assert record is not None
    assert (record.media_type, record.encoding) == ("text/plain", None)


def test_the_newest_migration_is_the_one_that_the_schema_names() -> None:
    script = ScriptDirectory(str(MIGRATIONS))

    assert script.get_current_head() == NEWEST_REVISION


def test_tables_made_at_once_are_those_that_are_migrated_to(tmp_path: Path) -> None:
    made, migrated = (f"sqlite:///{tmp_path / name}" for name in ("made", "migrated"))
    database = Database(made)
    database.upgrade()
    database.close()
    engine = create_engine(migrated)
    with engine.begin() as connection:
        migrate_to(connection, "head")
    engine.dispose()

    assert table_sql(made) == table_sql(migrated)


def table_sql(url: str) -> dict[str, set[str]]:
    """The columns, keys and indexes of each table, as SQLite tells them."""
    engine = create_engine(url)
    inspector = inspect(engine)
    told = {
        table: {
            *(str({**column, "comment": None}) for column in inspector.get_columns(table)),
            *(str(index) for index in inspector.get_indexes(table)),
            str(inspector.get_pk_constraint(table)["constrained_columns"]),
            *(str(each) for each in inspector.get_unique_constraints(table)),
            *(str(each) for each in inspector.get_foreign_keys(table)),
        }
        for table in inspector.get_table_names()
        if table != "alembic_version"
    }
    engine.dispose()
    return told
