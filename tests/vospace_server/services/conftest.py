"""A space without HTTP, on each engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.vospace_server.services.tree_space import TreeSpace


@pytest.fixture
def space(tmp_path: Path) -> Iterator[TreeSpace]:
    """A space on SQLite, for rules that know nothing of the engine."""
    made = TreeSpace(f"sqlite:///{tmp_path / 'space.sqlite'}")
    yield made
    made.close()


@pytest.fixture
def each_space(database_url: str) -> Iterator[TreeSpace]:
    """A space on each engine, for all that statements and locks decide."""
    made = TreeSpace(database_url)
    yield made
    made.close()
