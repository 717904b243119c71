"""Make the tables of the node tree."""

from typing import Final

import sqlalchemy as sa
from alembic import op

from vospace_server.database.columns import BigId, ExactText, UtcTime

revision: Final = "0001"
down_revision: Final = None


def upgrade() -> None:
    """Apply the revision. There is no way back but a backup."""
    _create_allocation()
    _create_blob()
    _create_change_log()
    _create_container_size()
    _create_node()
    _create_node_group()
    _create_property()
    _create_size_delta()
    _create_trash()
    _create_quota_slot()
    _create_reservation()


def _create_allocation() -> None:
    op.create_table(
        "allocation",
        sa.Column("id", BigId, nullable=False),
        sa.Column("node_id", sa.BigInteger(), nullable=False),
        sa.Column("quota_bytes", sa.BigInteger(), nullable=True),
        sa.Column("quota_files", sa.BigInteger(), nullable=True),
        sa.Column("created_at", UtcTime, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("node_id"),
        sqlite_autoincrement=True,
    )


def _create_blob() -> None:
    op.create_table(
        "blob",
        sa.Column("content_id", sa.Text(), nullable=False),
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("length", sa.BigInteger(), nullable=True),
        sa.Column("md5", sa.Text(), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("created_at", UtcTime, nullable=False),
        sa.Column("stored_at", UtcTime, nullable=True),
        sa.Column("writing_until", UtcTime, nullable=True),
        sa.Column("verified_at", UtcTime, nullable=True),
        sa.Column("damage", sa.Text(), nullable=True),
        sa.Column("unused_since", UtcTime, nullable=True),
        sa.PrimaryKeyConstraint("content_id"),
        sa.UniqueConstraint("object_key"),
    )
    op.create_index("blob_by_state", "blob", ["state", "writing_until"], unique=False)
    op.create_index("blob_by_unused_since", "blob", ["unused_since"], unique=False)


def _create_change_log() -> None:
    op.create_table(
        "change_log",
        sa.Column("id", BigId, nullable=False),
        sa.Column("at_ns", sa.BigInteger(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("node_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("former_path", sa.Text(), nullable=True),
        sa.Column("former_parent_id", sa.BigInteger(), nullable=True),
        sa.Column("content_id", sa.Text(), nullable=True),
        sa.Column("actor_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("change_log_by_time", "change_log", ["at_ns"], unique=False)


def _create_container_size() -> None:
    op.create_table(
        "container_size",
        sa.Column("node_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("total_bytes", sa.BigInteger(), nullable=False),
        sa.Column("total_files", sa.BigInteger(), nullable=False),
        sa.Column("pushed_bytes", sa.BigInteger(), nullable=False),
        sa.Column("pushed_files", sa.BigInteger(), nullable=False),
        sa.Column("entries_changed_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("node_id"),
    )


def _create_node() -> None:
    op.create_table(
        "node",
        sa.Column("id", BigId, nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=False),
        sa.Column("name", ExactText, nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("inherit", sa.Boolean(), nullable=False),
        sa.Column("locked", sa.Boolean(), nullable=False),
        sa.Column("immutable", sa.Boolean(), nullable=False),
        sa.Column("read_groups", sa.Text(), nullable=False),
        sa.Column("write_groups", sa.Text(), nullable=False),
        sa.Column("allocation_id", sa.BigInteger(), nullable=True),
        sa.Column("target", sa.Text(), nullable=True),
        sa.Column("content_id", sa.Text(), nullable=True),
        sa.Column("length", sa.BigInteger(), nullable=False),
        sa.Column("md5", sa.Text(), nullable=True),
        sa.Column("media_type", sa.Text(), nullable=True),
        sa.Column("encoding", sa.Text(), nullable=True),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("modified_ns", sa.BigInteger(), nullable=False),
        sa.Column("changed_ns", sa.BigInteger(), nullable=False),
        sa.Column("mtime_ns", sa.BigInteger(), nullable=True),
        sa.Column("busy_until_ns", sa.BigInteger(), nullable=True),
        sa.Column("busy_upload", sa.Text(), nullable=True),
        sa.Column("has_properties", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("parent_id", "name", name="node_by_name"),
        sqlite_autoincrement=True,
    )
    op.create_index("node_by_content", "node", ["content_id"], unique=False)


def _create_node_group() -> None:
    op.create_table(
        "node_group",
        sa.Column("node_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("group_uri", ExactText, nullable=False),
        sa.PrimaryKeyConstraint("node_id", "mode", "group_uri"),
        sqlite_with_rowid=False,
    )
    op.create_index("node_group_by_group", "node_group", ["group_uri"], unique=False)


def _create_property() -> None:
    op.create_table(
        "property",
        sa.Column("node_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("uri", ExactText, nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("node_id", "uri"),
        sqlite_with_rowid=False,
    )


def _create_size_delta() -> None:
    op.create_table(
        "size_delta",
        sa.Column("id", BigId, nullable=False),
        sa.Column("container_id", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("files", sa.BigInteger(), nullable=False),
        sa.Column("entries_changed_ns", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("size_delta_by_container", "size_delta", ["container_id"], unique=False)


def _create_trash() -> None:
    op.create_table(
        "trash",
        sa.Column("node_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("allocation_id", sa.BigInteger(), nullable=True),
        sa.Column("released_bytes", sa.BigInteger(), nullable=False),
        sa.Column("released_files", sa.BigInteger(), nullable=False),
        sa.Column("found_bytes", sa.BigInteger(), nullable=False),
        sa.Column("found_files", sa.BigInteger(), nullable=False),
        sa.Column("deleted_ns", sa.BigInteger(), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("node_id"),
    )


def _create_quota_slot() -> None:
    op.create_table(
        "quota_slot",
        sa.Column("allocation_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("slot", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("used_bytes", sa.BigInteger(), nullable=False),
        sa.Column("used_files", sa.BigInteger(), nullable=False),
        sa.Column("cap_bytes", sa.BigInteger(), nullable=True),
        sa.Column("cap_files", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["allocation_id"],
            ["allocation.id"],
        ),
        sa.PrimaryKeyConstraint("allocation_id", "slot"),
    )


def _create_reservation() -> None:
    op.create_table(
        "reservation",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("allocation_id", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("files", sa.BigInteger(), nullable=False),
        sa.Column("expires_ns", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["allocation_id"],
            ["allocation.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("reservation_by_allocation", "reservation", ["allocation_id"], unique=False)
    op.create_index("reservation_by_expiry", "reservation", ["expires_ns"], unique=False)
