"""Clients of the shared real server, one for each kind of person."""

from collections.abc import Iterator

import httpx
import pytest

from tests.support.space import Space


@pytest.fixture
def owner(shared_space: Space) -> Iterator[httpx.Client]:
    """durand, the owner of the allocation."""
    with shared_space.client(shared_space.owner) as client:
        yield client


@pytest.fixture
def member(shared_space: Space) -> Iterator[httpx.Client]:
    """A member of the group HST-RO."""
    with shared_space.client(shared_space.member) as client:
        yield client


@pytest.fixture
def stranger(shared_space: Space) -> Iterator[httpx.Client]:
    """Somebody whom nobody has given anything."""
    with shared_space.client(shared_space.stranger) as client:
        yield client


@pytest.fixture
def anonymous(shared_space: Space) -> Iterator[httpx.Client]:
    """Nobody."""
    with shared_space.client(None) as client:
        yield client
