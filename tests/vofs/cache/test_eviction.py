"""The limit is kept, the oldest goes, and reads do not care."""

import os
import threading
import time
from pathlib import Path

import pytest

from tests.vofs.cache.conftest import CacheMaker, read, read_all
from tests.vofs.cache.sources import CountedSource, some_bytes
from vofs.cache.block_cache import BlockCache
from vofs.cache.cache_config import CacheConfig
from vofs.cache.cache_directory import CacheDirectory
from vofs.cache.disk_health import DiskHealth
from vofs.cache.space import Space
from vofs.cache.statistics import Counters

MIB = 1024 * 1024


def stored_on_disk(cache: BlockCache) -> int:
    folder = cache.spool_directory.parent / "content"
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())


# An index, and what the disk needs to keep track of holes, are not counted.
OVERHEAD = MIB


def test_two_readers_of_more_than_the_cache_holds_both_finish_under_the_limit(
    make_cache: CacheMaker,
) -> None:
    limit = 20 * MIB
    cache = make_cache(limit_bytes=limit)
    contents = {name: some_bytes(16 * MIB, seed=at) for at, name in enumerate("ab")}
    sources = {name: CountedSource(data) for name, data in contents.items()}
    wrong: list[str] = []
    counted: list[int] = []

    def loop(name: str) -> None:
        for _ in range(3):
            content = cache.open(name, len(contents[name]), None)
            if read_all(content, sources[name]) != contents[name]:
                wrong.append(name)
            content.close()
            counted.append(cache.statistics().stored_bytes)

    readers = [threading.Thread(target=loop, args=(name,)) for name in contents]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(100)
    assert wrong == []
    # What was fetched ahead for a reader who stands still may go before it is read, and is
    # fetched once more; but nothing goes round in circles.
    wire = sum(source.wire_bytes for source in sources.values())
    assert wire <= 2 * 3 * 32 * MIB
    assert cache.statistics().evicted_bytes > 0
    # Bytes are counted before they are stored, and never beyond the limit. The disk is looked
    # at when nothing moves: the sizes of two files that change are not of one moment.
    cache.close()
    assert max(counted) <= limit
    assert stored_on_disk(cache) <= cache.statistics().stored_bytes + OVERHEAD


def test_bytes_that_are_on_their_way_stay_counted_when_all_is_counted_anew(
    tmp_path: Path,
) -> None:
    config = CacheConfig(directory=tmp_path / "cache", limit_bytes=8 * MIB, free_disk_bytes=0)
    directory = CacheDirectory(config.directory)
    space = Space(
        config=config,
        directory=directory,
        health=DiskHealth(config.directory),
        counters=Counters(),
    )
    path = Path(directory.path("ab" * 16, "pack"))
    with space.reserved(5 * MIB) as room, space.reserved(2 * MIB):
        space.recount()
        with space.reserved(4 * MIB) as beyond:
            assert not beyond.is_granted
        directory.make_room_for_name(str(path))
        path.write_bytes(bytes(5 * MIB))
        room.stored_bytes = 5 * MIB

    assert directory.state.used == 5 * MIB
    path.unlink()
    space.recount()
    assert directory.state.used == 0
    directory.close()


def test_one_file_larger_than_the_cache_is_read_at_its_cost(make_cache: CacheMaker) -> None:
    data = some_bytes(24 * MIB)
    cache = make_cache(limit_bytes=8 * MIB)
    source = CountedSource(data)
    content = cache.open("id", len(data), None)
    assert read_all(content, source) == data
    assert source.wire_bytes <= 1.1 * len(data)
    assert stored_on_disk(cache) <= 9 * MIB
    content.close()


def test_the_least_recently_used_goes_first(make_cache: CacheMaker) -> None:
    cache = make_cache(limit_bytes=10 * MIB)
    data = {f"c{number}": some_bytes(MIB, seed=number) for number in range(9)}
    for name, content in data.items():
        cache.put_whole(name, content, None)
        time.sleep(0.01)
    time.sleep(1.1)
    opened = cache.open("c0", MIB, None)
    read(opened, CountedSource(data["c0"]), 0, 4096)
    opened.close()
    for number in range(9, 13):
        cache.put_whole(f"c{number}", some_bytes(MIB, seed=number), None)
    assert cache.has("c0", MIB)
    assert not cache.has("c1", MIB)
    assert cache.has("c12", MIB)


def test_small_contents_are_evicted_like_others(make_cache: CacheMaker) -> None:
    cache = make_cache(limit_bytes=2 * MIB)
    for number in range(400):
        cache.put_whole(f"s{number}", some_bytes(10_000, seed=number), None)
    assert stored_on_disk(cache) <= 2 * MIB
    assert cache.has("s399", 10_000)
    assert not cache.has("s0", 10_000)


def test_pinned_contents_stay(make_cache: CacheMaker) -> None:
    cache = make_cache(limit_bytes=8 * MIB)
    cache.pin("kept")
    assert cache.pinned() == {"kept"}
    cache.put_whole("kept", some_bytes(MIB), None)
    for number in range(20):
        cache.put_whole(f"c{number}", some_bytes(MIB, seed=number), None)
    assert cache.has("kept", MIB)
    again = make_cache(limit_bytes=8 * MIB)
    assert again.pinned() == {"kept"}
    again.unpin("kept")
    again.unpin("kept")
    for number in range(20, 40):
        again.put_whole(f"c{number}", some_bytes(MIB, seed=number), None)
    assert not again.has("kept", MIB)


def test_a_cache_full_of_pins_reads_through(make_cache: CacheMaker) -> None:
    cache = make_cache(limit_bytes=4 * MIB)
    for number in range(4):
        cache.pin(f"p{number}")
        cache.put_whole(f"p{number}", some_bytes(MIB - 8192, seed=number), None)
    data = some_bytes(5 * MIB, seed=77)
    source = CountedSource(data)
    content = cache.open("other", len(data), None)
    assert read_all(content, source) == data
    assert stored_on_disk(cache) <= 4 * MIB + 65536
    content.close()


def test_a_content_can_be_evicted_by_name_while_it_is_open(cache: BlockCache) -> None:
    data = some_bytes(9 * MIB)
    source = CountedSource(data)
    content = cache.open("id", len(data), None)
    read_all(content, source)
    # A reader has its bytes before they are noted as stored, and until then they stay.
    freed = [cache.evict("id")]
    deadline = time.monotonic() + 10
    while sum(freed) < 9 * MIB and time.monotonic() < deadline:
        time.sleep(0.01)
        freed.append(cache.evict("id"))
    assert sum(freed) >= 9 * MIB
    assert stored_on_disk(cache) < MIB
    assert cache.statistics().stored_bytes < MIB
    assert read_all(content, source) == data
    assert source.wire_bytes == 2 * len(data)
    content.close()


def test_an_evicted_content_leaves_no_files(cache: BlockCache) -> None:
    for name, length in (("small", 1000), ("large", 3 * MIB), ("huge", 9 * MIB)):
        cache.put_whole(name, some_bytes(length), None)
        assert cache.evict(name) > 0
    folder = cache.spool_directory.parent / "content"
    assert [path for path in folder.rglob("*") if path.is_file()] == []


def test_readers_during_constant_eviction_never_see_a_wrong_byte(
    make_cache: CacheMaker,
) -> None:
    data = some_bytes(12 * MIB)
    cache = make_cache()
    source = CountedSource(data)
    stop = threading.Event()
    wrong: list[int] = []

    def reader(start: int) -> None:
        content = cache.open("id", len(data), None)
        position = start
        while not stop.is_set():
            if read(content, source, position, 131072) != data[position : position + 131072]:
                wrong.append(position)
            position = (position + 131072) % len(data)
        content.close()

    readers = [threading.Thread(target=reader, args=(at * 3 * MIB,)) for at in range(4)]
    for one in readers:
        one.start()
    evicted = 0
    end = time.monotonic() + 3
    while time.monotonic() < end:
        evicted += cache.evict("id") > 0
    stop.set()
    for one in readers:
        one.join(30)
    assert wrong == []
    assert evicted > 3


def test_the_count_is_corrected_at_the_start(make_cache: CacheMaker, tmp_path: Path) -> None:
    cache = make_cache()
    cache.put_whole("one", some_bytes(MIB), None)
    cache.put_whole("two", some_bytes(5000), None)
    cache.close()
    state = tmp_path / "cache" / "state"
    for damaged in (b"", b"garbage" * 600, state.read_bytes()[:16] + b"\xff" * 8):
        state.write_bytes(damaged)
        again = make_cache()
        again.open("one", MIB, None).close()
        again.close()
        assert again.statistics().stored_bytes == stored_on_disk(again)


def test_what_a_dead_process_left_is_removed(make_cache: CacheMaker, tmp_path: Path) -> None:
    cache = make_cache()
    cache.put_whole("one", some_bytes(MIB), None)
    cache.close()
    folder = tmp_path / "cache"
    strays = [folder / "temporary" / "123-4", folder / "content" / "ab" / "abcd.data"]
    for stray in strays:
        stray.parent.mkdir(exist_ok=True)
        stray.write_bytes(b"x" * 10_000)
        os.utime(stray, (1, 1))
    young = folder / "temporary" / "456-7"
    young.write_bytes(b"x")
    again = make_cache()
    content = again.open("one", MIB, None)
    content.close()
    again.close()
    assert not any(stray.exists() for stray in strays)
    assert young.exists()


def test_a_start_with_many_entries_does_not_read_them(make_cache: CacheMaker) -> None:
    cache = make_cache()
    for number in range(3000):
        cache.put_whole(f"s{number}", b"%d" % number, None)
    cache.close()
    again = make_cache()
    content = again.open("s7", 1, None)
    assert read(content, CountedSource(b"?"), 0, 1) == b"7"
    content.close()


@pytest.mark.parametrize("limit", [0, 1, 4096, 100_000])
def test_an_absurd_limit_still_reads(make_cache: CacheMaker, limit: int) -> None:
    data = some_bytes(3 * MIB)
    cache = make_cache(limit_bytes=limit)
    content = cache.open("id", len(data), None)
    assert read_all(content, CountedSource(data)) == data
    content.close()
