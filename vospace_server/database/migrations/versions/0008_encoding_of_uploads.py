"""Keep the Content-Encoding of uploads that take several requests."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0008"
down_revision: Final = "0007"


def upgrade() -> None:
    """Apply the revision. Uploads that have begun before end without an encoding."""
    op.add_column("upload", sa.Column("encoding", sa.Text(), nullable=True))
