"""SecretRepository: the keys that sign what the server hands out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, insert, or_, select, update

from vospace_server.database.generations import raise_generation
from vospace_server.database.schema import secret


class SecretRepository:
    """The rows of the table `secret`; the newest key of a name signs, all in use verify."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def in_use(self, name: str, *, now: datetime) -> Sequence[bytes]:
        """The keys of this name that are not retired, the newest first."""
        query = (
            select(secret.c.value)
            .where(secret.c.name == name)
            .where(or_(secret.c.retired_at.is_(None), secret.c.retired_at > now))
            .order_by(secret.c.id.desc())
        )
        return list(self._connection.scalars(query))

    def retire(self, name: str, *, at: datetime) -> None:
        """Let the keys of this name that don't end sooner be of no use from a moment on."""
        lasting = or_(secret.c.retired_at.is_(None), secret.c.retired_at > at)
        self._connection.execute(
            update(secret).where(secret.c.name == name, lasting).values(retired_at=at)
        )

    def claim(self, name: str) -> None:
        """Until this transaction ends, no other one claims the name: a key is made once."""
        raise_generation(self._connection, f"secret {name}")

    def add(self, name: str, value: bytes, *, now: datetime) -> None:
        """A new key, which signs from now on."""
        self._connection.execute(insert(secret).values(name=name, value=value, created_at=now))
