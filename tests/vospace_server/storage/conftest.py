"""Every store that must pass the conformance suite."""

import secrets
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.ceph import ObjectGateway, running_gateway
from vospace_server.storage.filesystem import FilesystemStore
from vospace_server.storage.memory import MemoryStore
from vospace_server.storage.object_store import ObjectStore
from vospace_server.storage.s3 import S3Store
from vospace_server.storage.s3_requests import S3Requests
from vospace_server.storage.s3_settings import S3Settings, read_settings

BUCKET = "vospace-test"


STORES = [
    "memory",
    "filesystem",
    pytest.param("s3", marks=[pytest.mark.s3, pytest.mark.xdist_group("s3")]),
]


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectGateway]:
    """One Ceph gateway for the session, with an empty bucket named by BUCKET."""
    with running_gateway(tmp_path_factory.mktemp("ceph")) as running:
        url = urlsplit(running.url(BUCKET))
        S3Requests(read_settings(url, running.environment)).send("PUT", "", {})
        yield running


@pytest.fixture
def s3_settings(gateway: ObjectGateway) -> S3Settings:
    """A part of the bucket that no other test uses, and the smallest parts that S3 allows."""
    url = f"{gateway.url(BUCKET, prefix=f'test/{secrets.token_hex(6)}')}&part=5MiB"
    return read_settings(urlsplit(url), gateway.environment)


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ObjectStore]:
    """Each store in turn, empty; a store that is added here must pass the whole suite."""
    opened: ObjectStore
    if request.param == "s3":
        opened = S3Store(request.getfixturevalue("s3_settings"))
    elif request.param == "filesystem":
        opened = FilesystemStore(tmp_path / "store")
    else:
        opened = MemoryStore()
    yield opened
    opened.close()
