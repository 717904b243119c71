"""A whole server whose bytes are in a real object store: put, read, replaced, collected."""

import hashlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.support.ceph import ObjectGateway
from tests.support.postgres import PostgresServer
from tests.support.space import SpaceServer, add_user
from vospace_server.storage.s3 import S3Store
from vospace_server.storage.s3_settings import read_settings

pytestmark = [pytest.mark.s3, pytest.mark.xdist_group("s3")]

PATH = "/vault/files/durand/frame.fits"
LENGTH = 21 << 20


@pytest.fixture(scope="module")
def storage_url(gateway: ObjectGateway) -> str:
    return gateway.url("vospace-test", prefix=f"server/{secrets.token_hex(6)}")


@pytest.fixture(scope="module")
def bucket(gateway: ObjectGateway, storage_url: str) -> S3Store:
    """What is in the store, seen past the server."""
    return S3Store(read_settings(urlsplit(storage_url), gateway.environment))


@pytest.fixture(scope="module")
def server(
    gateway: ObjectGateway, storage_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SpaceServer]:
    """A server that finds its keys as an operator gives them: in the environment."""
    folder = tmp_path_factory.mktemp("server")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in gateway.environment.items():
            patch.setenv(name, value)
        with SpaceServer(
            data_dir=folder / "data", arguments=["--storage-url", storage_url]
        ) as running:
            yield running


@pytest.fixture(scope="module")
def client(server: SpaceServer) -> Iterator[httpx.Client]:
    """Speaks as the owner of the allocation `/durand`."""
    owner = add_user(server, "durand")
    server.administer("allocation", "add", "durand", "--owner", "durand", "--quota", "1GiB")
    with httpx.Client(base_url=server.root_url, headers=owner.bearer, timeout=60) as speaking:
        yield speaking


def test_bytes_go_into_the_bucket_and_come_back(
    server: SpaceServer, client: httpx.Client, bucket: S3Store
) -> None:
    """Contract 5 row 49: a real server over a real Ceph gateway."""
    content = os.urandom(LENGTH)
    stored = client.put(PATH, content=content)
    found = client.get(PATH, follow_redirects=True)
    part = client.get(PATH, headers={"Range": "bytes=9000000-17000000"}, follow_redirects=True)

    assert stored.status_code == 201
    assert hashlib.sha256(found.content).digest() == hashlib.sha256(content).digest()
    assert part.status_code == 206
    assert part.content == content[9_000_000:17_000_001]
    assert LENGTH in [entry.length for entry in bucket.list()]
    assert not (server.data_dir / "storage").exists()


def test_replacing_and_deleting_leave_the_rest_to_the_collector(
    server: SpaceServer, client: httpx.Client, bucket: S3Store
) -> None:
    path = "/vault/files/durand/replaced.fits"
    client.put(path, content=b"first").raise_for_status()
    (first,) = [entry.key for entry in bucket.list() if entry.length == 5]
    assert client.put(path, content=b"second").status_code == 200
    assert client.get(path, follow_redirects=True).content == b"second"
    client.delete("/vault/nodes/durand/replaced.fits").raise_for_status()
    assert client.get(path).status_code == 404

    server.administer("gc", "--grace", "1h")
    assert first in [entry.key for entry in bucket.list()]

    server.administer("gc", "--grace", "0s")
    server.administer("gc", "--grace", "0s")
    lengths = [entry.length for entry in bucket.list()]
    assert 5 not in lengths
    assert 6 not in lengths


def test_an_upload_that_breaks_off_leaves_nothing_in_the_bucket(
    client: httpx.Client, bucket: S3Store
) -> None:
    content = os.urandom(20 << 20)
    wrong = {"Digest": "md5=AAAAAAAAAAAAAAAAAAAAAA=="}
    before = {entry.key for entry in bucket.list()}
    refused = client.put("/vault/files/durand/broken.fits", content=content, headers=wrong)
    absent = client.get("/vault/nodes/durand/broken.fits")

    assert refused.status_code == 412
    assert absent.status_code == 404
    assert {entry.key for entry in bucket.list()} == before


def test_the_doctor_looks_into_the_bucket(server: SpaceServer) -> None:
    said = server.administer("doctor")

    assert any(line.startswith("ok    storage") for line in said.splitlines()), said


@pytest.mark.postgres
def test_two_servers_over_one_database_and_one_bucket_are_one_space(
    gateway: ObjectGateway,
    postgres_server: PostgresServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in gateway.environment.items():
        monkeypatch.setenv(name, value)
    storage = ["--storage-url", gateway.url("vospace-test", prefix=f"two/{tmp_path.name}")]
    with postgres_server.new_database() as url:
        arguments = ["--database-url", url, *storage]
        one = SpaceServer(data_dir=tmp_path / "one", arguments=arguments)
        other = SpaceServer(
            data_dir=tmp_path / "other", arguments=[*arguments, "--workers", "2"]
        )
        with one, other:
            owner = add_user(one, "durand")
            one.administer(
                "allocation", "add", "durand", "--owner", "durand", "--quota", "1GiB"
            )
            content = os.urandom(7 << 20)
            with httpx.Client(
                headers=owner.bearer, timeout=60, follow_redirects=True
            ) as client:
                for number in range(8):
                    client.put(f"{one.url}/files/durand/{number}", content=content)
                found = [
                    client.get(f"{other.url}/files/durand/{number}").content
                    for number in range(8)
                ]
                replaced = client.put(f"{other.url}/files/durand/3", content=b"new")
                seen = client.get(f"{one.url}/files/durand/3").content

            assert found == [content] * 8
            assert (replaced.status_code, seen) == (200, b"new")
            assert "nothing is wrong" in other.administer("fsck")


def test_a_bucket_that_is_not_there_is_said_before_anything_listens(
    gateway: ObjectGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in gateway.environment.items():
        monkeypatch.setenv(name, value)
    arguments = ["--storage-url", gateway.url("no-such-bucket")]
    server = SpaceServer(data_dir=tmp_path / "data", arguments=arguments)

    with pytest.raises(AssertionError, match="did not start"):
        server.start()

    assert "the bucket no-such-bucket does not exist at http://127.0.0.1" in server.log
    assert "Traceback" not in server.log
