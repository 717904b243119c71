"""Clients and raw connections of the shared server."""

import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from tests.support.space import Space, SpaceServer, furnished
from tests.vospace_server.http.wire import Wire


@pytest.fixture
def owner(shared_space: Space) -> Iterator[httpx.Client]:
    """The owner of `/durand`."""
    with shared_space.client(shared_space.owner) as client:
        yield client


@pytest.fixture
def anonymous(shared_space: Space) -> Iterator[httpx.Client]:
    """Nobody."""
    with shared_space.client(None) as client:
        yield client


@pytest.fixture
def wire(shared_space: Space) -> Iterator[Wire]:
    """A bare connection."""
    with closing(Wire(port=shared_space.server.port)) as opened:
        yield opened


@pytest.fixture
def login(shared_space: Space) -> str:
    """The header line that makes a request durand's."""
    return f"Authorization: Bearer {shared_space.owner.token}"


@pytest.fixture
def allocation(shared_space: Space) -> Callable[[str], str]:
    """Makes a new allocation of durand's with a quota such as `1000B`; gives its path."""

    def make(quota: str) -> str:
        path = f"quota-{secrets.token_hex(4)}"
        shared_space.server.administer(
            "allocation", "add", path, "--owner", "durand", "--quota", quota
        )
        return path

    return make


Copier = Callable[[Path, list[str]], Space]


@pytest.fixture(scope="session")
def furnished_copy(tmp_path_factory: pytest.TempPathFactory) -> Copier:
    """Makes spaces to be killed, frozen or filled: copies of one, as furnishing takes long.

    Gives a space at a data directory with further arguments for `serve`; it is not started.
    """
    original = tmp_path_factory.mktemp("original") / "data"
    with SpaceServer(data_dir=original) as server:
        space = furnished(server)

    def copy(data_dir: Path, arguments: list[str]) -> Space:
        shutil.copytree(original, data_dir, dirs_exist_ok=True)
        return replace(space, server=SpaceServer(data_dir=data_dir, arguments=arguments))

    return copy


@pytest.fixture
def fresh_space(tmp_path: Path, furnished_copy: Copier) -> Iterator[Space]:
    """A running space of the test's own."""
    space = furnished_copy(tmp_path / "data", [])
    with space.server:
        yield space


@pytest.fixture(autouse=True)
def no_traceback(request: pytest.FixtureRequest) -> Iterator[None]:
    """No input may bring the shared server to write a traceback."""
    if "shared_space" not in request.fixturenames:
        yield
        return
    space: Space = request.getfixturevalue("shared_space")
    before = space.server.log.count("Traceback")
    yield
    assert space.server.log.count("Traceback") == before, space.server.log[-8000:]
