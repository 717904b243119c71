"""Counters that tell every process, with one read, whether what it remembers is still true."""

from __future__ import annotations

from sqlalchemy import Connection, select, text

from vospace_server.database.schema import generation

USERS = "users"
GROUPS = "groups"

# Spelled alike by SQLite and PostgreSQL, but not by SQLAlchemy's generic insert.
_RAISE = text(
    "INSERT INTO generation (name, value) VALUES (:name, 1) "
    "ON CONFLICT (name) DO UPDATE SET value = generation.value + 1"
)
# All of them, for they are few, and every request reads them: a statement without parameters
# costs a third less.
_READ = select(generation.c.name, generation.c.value)


def raise_generation(connection: Connection, name: str) -> None:
    """Makes everything stale that was remembered under the counter before."""
    connection.execute(_RAISE, {"name": name})


def read_generations(connection: Connection, *names: str) -> tuple[int, ...]:
    """The counters' values in the order asked; 0 for one that was never raised."""
    values = {row.name: row.value for row in connection.execute(_READ)}
    return tuple(values.get(name, 0) for name in names)
