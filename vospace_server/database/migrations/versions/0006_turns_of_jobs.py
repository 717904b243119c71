"""Let waiting jobs be found by their owners, who take turns."""

from typing import Final

from alembic import op

revision: Final = "0006"
down_revision: Final = "0005"


def upgrade() -> None:
    """Apply the revision. There is no way back but a backup."""
    op.create_index("job_by_turn", "job", ["phase", "kind", "owner_id", "created_at"])
