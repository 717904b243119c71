"""What tests on a real mount share: stored files, a falsifying network, errnos."""

from collections.abc import Iterator

import pytest

from tests.support.proxy import Proxy, running_proxy
from tests.support.space import Space
from tests.support.store import Store


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder needs the kernel."""
    for item in items:
        if "tests/mounted" in str(item.path):
            item.add_marker(pytest.mark.mounted)


@pytest.fixture
def store(shared_space: Space) -> Iterator[Store]:
    """The shared space past the mount, as its owner."""
    opened = Store(shared_space, shared_space.owner)
    yield opened
    opened.close()


@pytest.fixture
def own_store(own_space: Space) -> Iterator[Store]:
    """The test's own space past the mount, as its owner."""
    opened = Store(own_space, own_space.owner)
    yield opened
    opened.close()


@pytest.fixture
def proxy(shared_space: Space) -> Iterator[Proxy]:
    """A network in front of the shared space that counts, and lies when told to."""
    with running_proxy(shared_space.server.port) as running:
        yield running
