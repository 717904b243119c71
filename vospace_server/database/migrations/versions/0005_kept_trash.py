"""Let deleted trees be kept for a while, with the place they can be put back to."""

from typing import Final

import sqlalchemy as sa
from alembic import op

from vospace_server.database.columns import ExactText

revision: Final = "0005"
down_revision: Final = "0004"


def upgrade() -> None:
    """Apply the revision. There is no way back but a backup."""
    op.add_column(
        "trash",
        sa.Column("kept_until_ns", sa.BigInteger(), nullable=False, server_default="0"),
    )
    op.add_column("trash", sa.Column("former_parent_id", sa.BigInteger(), nullable=True))
    op.add_column("trash", sa.Column("former_name", ExactText, nullable=True))
    op.create_index("trash_by_actor", "trash", ["actor_id", "deleted_ns"])
