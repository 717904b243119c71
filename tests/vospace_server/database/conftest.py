"""A database with all tables, on each engine."""

from collections.abc import Iterator

import pytest

from vospace_server.database.engine import Database


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An empty space."""
    made = Database(database_url)
    made.upgrade()
    yield made
    made.close()
