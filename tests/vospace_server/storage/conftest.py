"""Every store that must pass the conformance suite."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from vospace_server.storage.filesystem import FilesystemStore
from vospace_server.storage.memory import MemoryStore
from vospace_server.storage.object_store import ObjectStore


@pytest.fixture(params=["memory", "filesystem"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ObjectStore]:
    opened: ObjectStore = (
        MemoryStore() if request.param == "memory" else FilesystemStore(tmp_path / "store")
    )
    yield opened
    opened.close()
