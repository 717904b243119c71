"""What every object store promises; one suite for all of them."""

import hashlib
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from vospace_server.storage.object_store import (
    ObjectKey,
    ObjectNotFoundError,
    ObjectStore,
    Segment,
    StoreError,
    new_key,
    read_range,
)

MISSING = ObjectKey("0" * 32)
# More than a store may hold back in memory before an upload shows anywhere.
LEAVES_A_TRACE = 6 << 20


def stored(store: ObjectStore, content: bytes) -> ObjectKey:
    writer = store.create()
    writer.write(content)
    writer.commit()
    return writer.key


def content_of(store: ObjectStore, key: ObjectKey) -> bytes:
    reader = store.open(key)
    try:
        return b"".join(read_range(reader, 0, reader.length, chunk_bytes=7))
    finally:
        reader.close()


def test_what_was_written_is_read_back(store: ObjectStore) -> None:
    key = stored(store, b"SIMPLE  =                    T")

    assert content_of(store, key) == b"SIMPLE  =                    T"
    assert store.length(key) == 30


def test_chunks_are_joined_in_order(store: ObjectStore) -> None:
    writer = store.create()
    for number in range(100):
        writer.write(memoryview(bytes([number]) * 1000))
    writer.commit()

    digest = hashlib.sha256(b"".join(bytes([n]) * 1000 for n in range(100))).hexdigest()
    assert hashlib.sha256(content_of(store, writer.key)).hexdigest() == digest


def test_an_object_may_be_empty(store: ObjectStore) -> None:
    key = stored(store, b"")

    assert store.length(key) == 0
    assert content_of(store, key) == b""


def test_nothing_is_readable_before_commit(store: ObjectStore) -> None:
    writer = store.create()
    writer.write(b"half")

    with pytest.raises(ObjectNotFoundError):
        store.open(writer.key)
    assert list(store.list()) == []
    writer.abort()


def test_an_aborted_object_never_appears(store: ObjectStore) -> None:
    writer = store.create()
    writer.write(b"half")
    writer.abort()
    writer.abort()

    with pytest.raises(ObjectNotFoundError):
        store.length(writer.key)
    assert store.sweep_incomplete(datetime.now(UTC) + timedelta(hours=1)) == 0


def test_abort_after_commit_keeps_the_object(store: ObjectStore) -> None:
    writer = store.create()
    writer.write(b"kept")
    writer.commit()
    writer.abort()

    assert content_of(store, writer.key) == b"kept"


def test_every_object_has_its_own_random_key(store: ObjectStore) -> None:
    keys = {stored(store, b"same bytes") for _ in range(20)}

    assert len(keys) == 20
    assert all(len(key) == 32 and set(key) <= set("0123456789abcdef") for key in keys)


@pytest.mark.parametrize(
    ("offset", "size", "expected"),
    [(0, 3, b"abc"), (3, 3, b"def"), (5, 10, b"f"), (6, 1, b""), (100, 5, b""), (0, 0, b"")],
)
def test_reading_stops_at_the_end(
    store: ObjectStore, offset: int, size: int, expected: bytes
) -> None:
    reader = store.open(stored(store, b"abcdef"))

    assert reader.read_at(offset, size) == expected
    reader.close()
    reader.close()


def test_an_open_object_survives_its_deletion_or_is_not_found(store: ObjectStore) -> None:
    key = stored(store, b"still here")
    reader = store.open(key)

    store.delete(key)

    if store.properties.keeps_open_objects:
        assert reader.read_at(0, 100) == b"still here"
    else:
        with pytest.raises(ObjectNotFoundError, match=key):
            reader.read_at(0, 100)
    reader.close()
    with pytest.raises(ObjectNotFoundError):
        store.open(key)


def test_deleting_twice_is_harmless(store: ObjectStore) -> None:
    key = stored(store, b"x")

    store.delete(key)
    store.delete(key)

    assert list(store.list()) == []


def test_a_missing_object_is_not_found(store: ObjectStore) -> None:
    with pytest.raises(ObjectNotFoundError, match=MISSING):
        store.open(MISSING)
    with pytest.raises(ObjectNotFoundError):
        store.length(MISSING)
    store.delete(MISSING)


@pytest.mark.parametrize("key", ["", "../../etc/passwd", "AB" * 16, "0" * 31, "0" * 31 + "/"])
def test_a_key_that_no_store_hands_out_is_not_found(store: ObjectStore, key: str) -> None:
    with pytest.raises(ObjectNotFoundError):
        store.open(ObjectKey(key))


def test_the_listing_is_ordered_by_key_and_states_length_and_time(store: ObjectStore) -> None:
    began = datetime.now(UTC) - timedelta(seconds=2)
    lengths = {stored(store, b"x" * n): n for n in range(30)}

    listed = list(store.list())

    assert [entry.key for entry in listed] == sorted(lengths)
    assert {entry.key: entry.length for entry in listed} == lengths
    assert all(began < entry.modified <= datetime.now(UTC) for entry in listed)


@pytest.mark.parametrize("digits", [1, 2, 3, 4, 6, 32])
def test_a_prefix_selects_keys(store: ObjectStore, digits: int) -> None:
    keys = sorted(stored(store, b"") for _ in range(50))
    prefix = keys[7][:digits]

    listed = [entry.key for entry in store.list(prefix)]

    assert listed == [key for key in keys if key.startswith(prefix)]
    assert keys[7] in listed


def test_the_sweep_takes_old_uploads_and_leaves_young_ones(store: ObjectStore) -> None:
    kept = stored(store, b"committed")
    abandoned = store.create()
    abandoned.write(bytes(LEAVES_A_TRACE))

    assert store.sweep_incomplete(datetime.now(UTC) - timedelta(hours=1)) == 0
    assert store.sweep_incomplete(datetime.now(UTC) + timedelta(hours=1)) == 1

    assert content_of(store, kept) == b"committed"
    abandoned.abort()


def test_readers_in_many_threads_share_one_descriptor(store: ObjectStore) -> None:
    content = os.urandom(1 << 20)
    reader = store.open(stored(store, content))

    def check(number: int) -> bool:
        start = number * 4096
        return reader.read_at(start, 4096) == content[start : start + 4096]

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(check, range(256)))
    reader.close()


def test_parallel_writers_do_not_disturb_each_other(store: ObjectStore) -> None:
    start = threading.Barrier(8)

    def write(number: int) -> ObjectKey:
        start.wait()
        writer = store.create()
        for _ in range(16):
            writer.write(bytes([number]) * 4096)
        writer.commit()
        return writer.key

    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(write, range(8)))

    for number, key in enumerate(keys):
        assert content_of(store, key) == bytes([number]) * 65536


# A segment that is not the last must be as long as S3 wants its parts.
SEGMENT = b"s" * (5 << 20)


def add(store: ObjectStore, key: ObjectKey, start: int, content: bytes) -> Segment:
    """One segment that counts."""
    writer = store.add_segment(key)
    writer.begin(start)
    writer.write(content)
    writer.commit()
    writer.close()
    return Segment(name=writer.name, length=len(content))


def test_segments_become_one_object(store: ObjectStore) -> None:
    key = new_key()
    segments = [add(store, key, 0, SEGMENT), add(store, key, len(SEGMENT), b"and the rest")]

    assert b"".join(store.read_segments(key, segments)) == SEGMENT + b"and the rest"
    with pytest.raises(ObjectNotFoundError):
        store.length(key)
    assert list(store.list()) == []
    store.join(key, segments)
    store.join(key, segments)

    reader = store.open(key)
    assert b"".join(read_range(reader, 0, reader.length)) == SEGMENT + b"and the rest"
    reader.close()
    assert [stored.key for stored in store.list()] == [key]


def test_a_segment_can_be_given_up_or_taken_back(store: ObjectStore) -> None:
    key = new_key()
    given_up = store.add_segment(key)
    given_up.begin(0)
    given_up.write(b"half")
    given_up.abort()
    given_up.abort()
    given_up.close()
    first = add(store, key, 0, b"12345")
    add(store, key, 5, b"taken back")
    never_begun = store.add_segment(key)
    never_begun.abort()
    never_begun.close()
    last = add(store, key, 5, b"6")

    assert b"".join(store.read_segments(key, [first, last])) == b"123456"


def test_dropped_segments_are_gone(store: ObjectStore) -> None:
    key, other = new_key(), new_key()
    segments = [add(store, key, 0, b"12345"), add(store, key, 5, b"67")]
    kept = add(store, other, 0, b"kept")

    store.drop_segments(key)
    store.drop_segments(key)

    with pytest.raises(StoreError):
        b"".join(store.read_segments(key, segments))
    assert b"".join(store.read_segments(other, [kept])) == b"kept"
    store.drop_segments(other)


def test_segments_outlive_the_sweep_of_incomplete_uploads(store: ObjectStore) -> None:
    key = new_key()
    segment = add(store, key, 0, b"12345")

    store.sweep_incomplete(datetime.now(UTC) + timedelta(hours=1))

    assert b"".join(store.read_segments(key, [segment])) == b"12345"
    store.drop_segments(key)
