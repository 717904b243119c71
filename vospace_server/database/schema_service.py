"""Tables about the service as a whole."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Table, Text

from vospace_server.database.columns import UtcTime, metadata

# One row, with the id 1, or none: then the service is as it was made, ReadWrite.
service_state = Table(
    "service_state",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    # 'ReadWrite', 'ReadOnly' or 'Offline'.
    Column("mode", Text, nullable=False),
    Column("since", UtcTime, nullable=False),
    # The administrator's name as it was.
    Column("actor_name", Text, nullable=False),
)
