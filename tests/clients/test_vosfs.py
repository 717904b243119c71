"""vosfs, CADC's fsspec file system, unmodified, over HTTPS with a token."""

import os
import secrets
from collections.abc import Iterator

import pytest
from vosfs import VOSpaceFileSystem

from tests.support.space import TlsSpace

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def files(tls_space: TlsSpace, monkeypatch: pytest.MonkeyPatch) -> Iterator[VOSpaceFileSystem]:
    """The file system of the owner."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tls_space.ca_file))
    opened = VOSpaceFileSystem(
        tls_space.server.url, token=tls_space.owner.token, skip_instance_cache=True
    )
    yield opened
    opened.close()


@pytest.fixture
def top(files: VOSpaceFileSystem) -> str:
    """An empty folder of the owner's."""
    path = f"/durand/{secrets.token_hex(4)}"
    files.mkdir(path)
    return path


def test_files_travel_there_and_back(files: VOSpaceFileSystem, top: str) -> None:
    """Contract 2.5: pushed through a negotiated endpoint, read whole and by ranges."""
    content = os.urandom(300_000)

    files.pipe_file(f"{top}/f", content)

    assert files.cat_file(f"{top}/f") == content
    assert files.cat_file(f"{top}/f", start=1000, end=2000) == content[1000:2000]
    with files.open(f"{top}/f", "rb") as opened:
        assert opened.read(10) == content[:10]


def test_folders_are_listed_moved_and_removed(files: VOSpaceFileSystem, top: str) -> None:
    """Contract 1.4 and 1.6: containers, listings, moveNode as a job, deletion."""
    files.makedirs(f"{top}/a/b")
    files.pipe_file(f"{top}/a/f", b"bytes")

    found = files.ls(f"{top}/a", detail=True)
    sizes = {each["name"].rpartition("/")[2]: (each["type"], each["size"]) for each in found}
    assert sizes["f"] == ("file", 5)
    assert sizes["b"][0] == "directory"

    files.mv(f"{top}/a/f", f"{top}/a/g")
    assert files.exists(f"{top}/a/g")
    assert not files.exists(f"{top}/a/f")

    files.rm(f"{top}/a", recursive=True)
    assert files.ls(top, detail=False) == []
