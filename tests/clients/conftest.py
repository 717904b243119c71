"""What the tests of other people's clients share."""

from pathlib import Path

import pytest

from tests.support.space import Space
from tests.support.vos import VosClient


@pytest.fixture
def vos(tmp_path: Path, shared_space: Space) -> VosClient:
    """The owner's client, over plain HTTP with a token."""
    client = VosClient.led_to(shared_space.server.url, tmp_path / "home")
    return client.with_token(shared_space.owner)


@pytest.fixture
def root(folder: str) -> str:
    """An empty folder of the owner's, as the client names it."""
    return f"vos://localhost~vault/{folder}"
