"""Make the table of the service's state."""

from typing import Final

import sqlalchemy as sa
from alembic import op

from vospace_server.database.columns import UtcTime

revision: Final = "0004"
down_revision: Final = "0003"


def upgrade() -> None:
    """Apply the revision. There is no way back but a backup."""
    op.create_table(
        "service_state",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("since", UtcTime(), nullable=False),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
