"""Make the tables of people."""

from typing import Final

import sqlalchemy as sa
from alembic import op

from vospace_server.database.columns import BigId, ExactText, UtcTime

revision: Final = "0002"
down_revision: Final = "0001"


def upgrade() -> None:
    """Apply the revision. There is no way back but a backup."""
    _create_app_user()
    _create_audit_event()
    _create_generation()
    _create_secret()
    _create_identity()
    _create_session()
    _create_token()
    _create_user_group()
    _create_group_admin()
    _create_group_invitation()
    _create_group_member()
    _create_group_property()


def _create_app_user() -> None:
    op.create_table(
        "app_user",
        sa.Column("id", BigId, nullable=False),
        sa.Column("name", ExactText, nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("is_admin", sa.Boolean(), nullable=False),
        sa.Column("disabled_at", UtcTime, nullable=True),
        sa.Column("created_at", UtcTime, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
        sqlite_autoincrement=True,
    )


def _create_audit_event() -> None:
    op.create_table(
        "audit_event",
        sa.Column("id", BigId, nullable=False),
        sa.Column("at", UtcTime, nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=False),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("audit_event_by_subject", "audit_event", ["subject"], unique=False)
    op.create_index("audit_event_by_time", "audit_event", ["at"], unique=False)


def _create_generation() -> None:
    op.create_table(
        "generation",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def _create_secret() -> None:
    op.create_table(
        "secret",
        sa.Column("id", BigId, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcTime, nullable=False),
        sa.Column("retired_at", UtcTime, nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("secret_by_name", "secret", ["name"], unique=False)


def _create_identity() -> None:
    op.create_table(
        "identity",
        sa.Column("id", BigId, nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", ExactText, nullable=False),
        sa.Column("created_at", UtcTime, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["app_user.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("kind", "value", name="identity_by_value"),
        sqlite_autoincrement=True,
    )
    op.create_index("identity_by_user", "identity", ["user_id"], unique=False)


def _create_session() -> None:
    op.create_table(
        "session",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("csrf_secret", sa.Text(), nullable=False),
        sa.Column("created_at", UtcTime, nullable=False),
        sa.Column("last_seen_at", UtcTime, nullable=False),
        sa.Column("expires_at", UtcTime, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["app_user.id"],
        ),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_index("session_by_expiry", "session", ["expires_at"], unique=False)
    op.create_index("session_by_user", "session", ["user_id"], unique=False)


def _create_token() -> None:
    op.create_table(
        "token",
        sa.Column("id", BigId, nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("created_at", UtcTime, nullable=False),
        sa.Column("expires_at", UtcTime, nullable=True),
        sa.Column("revoked_at", UtcTime, nullable=True),
        sa.Column("last_used_at", UtcTime, nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["app_user.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("digest"),
        sqlite_autoincrement=True,
    )
    op.create_index("token_by_user", "token", ["user_id"], unique=False)


def _create_user_group() -> None:
    op.create_table(
        "user_group",
        sa.Column("id", BigId, nullable=False),
        sa.Column("name", ExactText, nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("created_at", UtcTime, nullable=False),
        sa.Column("modified_at", UtcTime, nullable=False),
        sa.Column("deleted_at", UtcTime, nullable=True),
        sa.ForeignKeyConstraint(
            ["owner_id"],
            ["app_user.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
        sqlite_autoincrement=True,
    )
    op.create_index("user_group_by_owner", "user_group", ["owner_id"], unique=False)


def _create_group_admin() -> None:
    op.create_table(
        "group_admin",
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", ExactText, nullable=False),
        sa.Column("added_by", sa.BigInteger(), nullable=False),
        sa.Column("added_at", UtcTime, nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["user_group.id"],
        ),
        sa.PrimaryKeyConstraint("group_id", "kind", "value"),
    )
    op.create_index("group_admin_by_value", "group_admin", ["kind", "value"], unique=False)


def _create_group_invitation() -> None:
    op.create_table(
        "group_invitation",
        sa.Column("id", BigId, nullable=False),
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("invited_by", sa.BigInteger(), nullable=False),
        sa.Column("created_at", UtcTime, nullable=False),
        sa.Column("expires_at", UtcTime, nullable=False),
        sa.Column("answered_at", UtcTime, nullable=True),
        sa.Column("accepted_by", sa.BigInteger(), nullable=True),
        sa.Column("membership_expires_at", UtcTime, nullable=True),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["user_group.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("digest"),
        sqlite_autoincrement=True,
    )
    op.create_index("group_invitation_by_group", "group_invitation", ["group_id"], unique=False)


def _create_group_member() -> None:
    op.create_table(
        "group_member",
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", ExactText, nullable=False),
        sa.Column("added_by", sa.BigInteger(), nullable=False),
        sa.Column("added_at", UtcTime, nullable=False),
        sa.Column("expires_at", UtcTime, nullable=True),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["user_group.id"],
        ),
        sa.PrimaryKeyConstraint("group_id", "kind", "value"),
    )
    op.create_index("group_member_by_value", "group_member", ["kind", "value"], unique=False)


def _create_group_property() -> None:
    op.create_table(
        "group_property",
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("key", ExactText, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("read_only", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["user_group.id"],
        ),
        sa.PrimaryKeyConstraint("group_id", "key"),
    )
