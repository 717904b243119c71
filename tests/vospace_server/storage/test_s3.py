"""What the store in a bucket promises beyond the conformance suite, on a real Ceph gateway."""

import dataclasses
import hashlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.ceph import ObjectGateway
from vospace_server.storage.object_store import (
    ObjectKey,
    StoreError,
    StoreFullError,
    read_range,
)
from vospace_server.storage.registry import open_store
from vospace_server.storage.s3 import S3Store, S3Writer
from vospace_server.storage.s3_requests import IncompleteUpload, S3Requests
from vospace_server.storage.s3_settings import S3Settings

pytestmark = [pytest.mark.s3, pytest.mark.xdist_group("s3")]

FUTURE = timedelta(hours=1)


@pytest.fixture
def store(s3_settings: S3Settings) -> S3Store:
    return S3Store(s3_settings)


@pytest.fixture
def requests(s3_settings: S3Settings) -> S3Requests:
    return S3Requests(s3_settings)


@pytest.fixture
def quota_of_a_byte(s3_settings: S3Settings, gateway: ObjectGateway) -> Iterator[None]:
    """The bucket is full while the test runs."""
    bucket = f"--bucket={s3_settings.bucket}"
    gateway.administer("quota", "set", "--quota-scope=bucket", bucket, "--max-size=1")
    gateway.administer("quota", "enable", "--quota-scope=bucket", bucket)
    yield
    gateway.administer("quota", "disable", "--quota-scope=bucket", bucket)


def stored(store: S3Store, content: bytes) -> ObjectKey:
    writer = store.create()
    writer.write(content)
    writer.commit()
    return writer.key


def test_a_large_object_goes_in_parts_and_comes_back_whole(store: S3Store) -> None:
    content = os.urandom(23 << 20)
    writer = store.create()
    for start in range(0, len(content), 1 << 20):
        writer.write(memoryview(content)[start : start + (1 << 20)])
    writer.commit()

    reader = store.open(writer.key)
    found = hashlib.sha256(b"".join(read_range(reader, 0, reader.length))).hexdigest()
    assert found == hashlib.sha256(content).hexdigest()
    assert reader.read_at((10 << 20) - 3, 6) == content[(10 << 20) - 3 : (10 << 20) + 3]


def test_ranges_across_what_was_fetched_ahead_are_exact(store: S3Store) -> None:
    content = os.urandom(12 << 20)
    reader = store.open(stored(store, content))

    # In order, so that the reader fetches ahead; then across the edge of what it holds.
    parts = [reader.read_at(start, 700_000) for start in range(0, 12 << 20, 700_000)]

    assert b"".join(parts) == content
    assert reader.read_at(5, 11 << 20) == content[5 : 5 + (11 << 20)]


def test_an_abort_in_the_middle_of_parts_leaves_no_part(
    store: S3Store, requests: S3Requests
) -> None:
    writer = store.create()
    writer.write(os.urandom(17 << 20))
    assert [upload.name.endswith(writer.key) for upload in under_way(store, requests)] == [True]

    writer.abort()

    assert under_way(store, requests) == []
    assert list(store.list()) == []


def under_way(store: S3Store, requests: S3Requests) -> list[IncompleteUpload]:
    return list(requests.incomplete_uploads(store._settings.name_of("")))


def test_parts_of_a_writer_that_vanished_are_swept(
    store: S3Store, requests: S3Requests
) -> None:
    kept = stored(store, b"kept")
    for _ in range(3):
        store.create().write(os.urandom(6 << 20))

    assert store.sweep_incomplete(datetime.now(UTC) - FUTURE) == 0
    assert store.sweep_incomplete(datetime.now(UTC) + FUTURE) == 3

    assert under_way(store, requests) == []
    assert store.length(kept) == 4


def test_a_long_upload_that_goes_on_is_not_swept(store: S3Store) -> None:
    content = os.urandom(6 << 20)
    writer = store.create()
    writer.write(content)
    time.sleep(1.5)
    between = datetime.now(UTC)
    time.sleep(1.5)
    for _ in range(3):
        writer.write(content)

    assert store.sweep_incomplete(between) == 0

    writer.commit()
    assert store.length(writer.key) == 24 << 20


def test_uploads_and_parts_of_many_pages_are_all_seen(
    store: S3Store, s3_settings: S3Settings
) -> None:
    requests = S3Requests(s3_settings, page_length=2)
    writers = [store.create() for _ in range(5)]
    for writer in writers:
        writer.write(bytes(11 << 20))
    time.sleep(1.5)
    # The service tells whole seconds; the parts of this write are on later pages.
    writers[4].write(bytes(20 << 20))

    uploads = list(requests.incomplete_uploads(s3_settings.name_of("")))
    largest = next(upload for upload in uploads if upload.name.endswith(writers[4].key))

    assert len({upload.upload_id for upload in uploads}) == 5
    assert requests.last_written(largest) > largest.initiated
    for upload in uploads:
        requests.abort_upload(upload)
        requests.abort_upload(upload)


def test_the_sweep_leaves_uploads_of_others_in_the_bucket(
    store: S3Store, s3_settings: S3Settings
) -> None:
    other = S3Store(dataclasses.replace(s3_settings, prefix=f"{s3_settings.prefix}-other"))
    writer = other.create()
    writer.write(os.urandom(6 << 20))

    assert store.sweep_incomplete(datetime.now(UTC) + FUTURE) == 0

    writer.commit()
    assert other.length(writer.key) == 6 << 20
    assert list(store.list()) == []


def test_a_failed_commit_leaves_nothing_once_it_is_aborted(
    store: S3Store, requests: S3Requests
) -> None:
    writer = store.create()
    writer.write(os.urandom(6 << 20))
    # Somebody else aborts the upload, so that completing it fails.
    assert store.sweep_incomplete(datetime.now(UTC) + FUTURE) == 1

    with pytest.raises(StoreError, match=f"committing object {writer.key}"):
        writer.commit()
    writer.abort()
    writer.abort()

    assert under_way(store, requests) == []
    assert list(store.list()) == []


@pytest.mark.usefixtures("quota_of_a_byte")
@pytest.mark.parametrize("length", [10, 12 << 20])
def test_a_full_bucket_is_a_full_store(store: S3Store, length: int) -> None:
    writer = store.create()

    with pytest.raises(StoreFullError, match="the quota of the bucket vospace-test is used up"):
        write_all(writer, length)
    writer.abort()


def write_all(writer: S3Writer, length: int) -> None:
    writer.write(bytes(length))
    writer.commit()


def test_an_object_that_is_too_long_for_its_parts_says_what_to_change(
    s3_settings: S3Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vospace_server.storage.s3_settings.MAX_PARTS", 2)
    writer = S3Store(s3_settings).create()
    writer.write(bytes(10 << 20))

    with pytest.raises(StoreError, match=r"larger part=SIZE"):
        writer.write(b"x")
    writer.abort()


def test_other_objects_in_the_bucket_are_not_listed(
    store: S3Store, requests: S3Requests, s3_settings: S3Settings
) -> None:
    key = stored(store, b"ours")
    requests.send("PUT", s3_settings.name_of("README"), {})
    requests.send("PUT", s3_settings.name_of("0folder/" + "0" * 32), {})
    requests.send("PUT", s3_settings.name_of("zzz"), {})

    assert [entry.key for entry in store.list()] == [key]
    assert [entry.key for entry in store.list(key)] == [key]


def test_a_listing_longer_than_a_page_is_whole(
    store: S3Store, requests: S3Requests, s3_settings: S3Settings
) -> None:
    names = [f"{number:032x}" for number in range(0, 1100 << 100, 1 << 100)]
    for name in names:
        requests.send("PUT", s3_settings.name_of(name), {})

    assert [entry.key for entry in store.list()] == names
    assert [entry.key for entry in store.list(names[700][:6])] == [
        name for name in names if name.startswith(names[700][:6])
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"bucket": "no-such-bucket"},
            "the bucket no-such-bucket does not exist at http://127",
        ),
        ({"access_key_id": "NOBODY"}, "does not know the access key NOBODY"),
        ({"secret_access_key": "wrong"}, "refuses the secret of the access key"),
        ({"endpoint": "http://127.0.0.1:1"}, "http://127.0.0.1:1 does not answer"),
    ],
)
def test_what_is_wrong_with_the_service_is_one_line(
    s3_settings: S3Settings, changes: dict[str, Any], message: str
) -> None:
    store = S3Store(dataclasses.replace(s3_settings, **changes))
    attempts = (store.check, lambda: stored(store, b"x"), lambda: list(store.list()))

    for attempt in attempts:
        with pytest.raises(StoreError, match=re.escape(message)) as caught:
            attempt()
        assert "\n" not in str(caught.value)
        assert s3_settings.secret_access_key not in str(caught.value)


def test_the_registry_opens_a_bucket_and_refuses_one_that_is_not_there(
    gateway: ObjectGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in gateway.environment.items():
        monkeypatch.setenv(name, value)
    # What a person has set for Amazon's own tools must not lead elsewhere.
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")

    store = open_store(gateway.url("vospace-test", prefix="registry"))

    assert store.properties.shared
    assert store.properties.durable
    with pytest.raises(StoreError, match="the bucket absent does not exist"):
        open_store(gateway.url("absent"))


MEASURE = """
import os, resource, sys
from vospace_server.storage.registry import open_store
from vospace_server.storage.object_store import read_range
def resident(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
store = open_store(sys.argv[1]); before = resident()
writer = store.create()
for _ in range(300): writer.write(os.urandom(1 << 20))
writer.commit(); reader = store.open(writer.key)
length = sum(len(chunk) for chunk in read_range(reader, 0, reader.length))
store.delete(writer.key); print(length, resident() - before)
"""


def test_memory_does_not_grow_with_the_object(gateway: ObjectGateway) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, gateway.url("vospace-test", prefix="memory")],
        env={**os.environ, **gateway.environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )

    length, grown_mib = (int(word) for word in done.stdout.split())
    assert length == 300 << 20
    assert grown_mib < 100
