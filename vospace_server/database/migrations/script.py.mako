"""${message}."""

from typing import Final

import sqlalchemy as sa
from alembic import op

from vospace_server.database.columns import BigId, ExactText, UtcTime

revision: Final = ${repr(up_revision)}
down_revision: Final = ${repr(down_revision)}


def upgrade() -> None:
    """Apply the revision. There is no way back but a backup."""
    ${upgrades if upgrades else "pass"}
