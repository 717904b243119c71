"""Note which nodes a job is about, so that the jobs of a node are found."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0007"
down_revision: Final = "0006"


def upgrade() -> None:
    """Apply the revision. Jobs of before, which live for a week, stay without places."""
    op.create_table(
        "job_place",
        sa.Column("owner_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("owner_id", "place", "job_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("job_place_by_job", "job_place", ["job_id"], unique=False)
