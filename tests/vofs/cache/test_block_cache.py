"""What a cache with a healthy disk does: bytes right, fetched once, and no more than needed."""

import hashlib
import random
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from typing_extensions import override

from tests.vofs.cache.conftest import CacheMaker, read, read_all
from tests.vofs.cache.sources import CountedSource, some_bytes
from vofs.cache.block_cache import BlockCache
from vofs.cache.errors import CorruptContent, IncompleteFetch

KIB = 1024
MIB = 1024 * KIB
LARGE = some_bytes(20 * MIB + 4321)


def md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


def eventually(happened: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


@pytest.mark.parametrize(
    "length",
    [0, 1, 4095, 4096, 128 * KIB - 1, 128 * KIB, 128 * KIB + 1, 16 * KIB * 9, 5 * MIB + 3],
)
def test_a_content_of_any_length_is_read_whole_and_costs_its_bytes_once(
    cache: BlockCache, length: int
) -> None:
    data = some_bytes(length)
    source = CountedSource(data)
    content = cache.open("id", length, md5(data))
    assert read_all(content, source) == data
    assert read_all(content, source) == data
    assert source.wire_bytes == length
    content.close()


def test_a_read_beyond_the_end_is_empty(cache: BlockCache) -> None:
    content = cache.open("id", 10, None)
    assert read(content, CountedSource(b"0123456789"), 10, 5) == b""
    assert read(content, CountedSource(b"0123456789"), 8, 5) == b"89"
    content.close()


def test_the_first_header_of_a_large_file_is_one_small_request(cache: BlockCache) -> None:
    source = CountedSource(LARGE)
    content = cache.open("id", len(LARGE), None)
    assert read(content, source, 0, 16 * KIB) == LARGE[: 16 * KIB]
    assert read(content, source, 0, 2880) == LARGE[:2880]
    time.sleep(0.1)
    assert source.requests == [(0, 128 * KIB)]
    content.close()


def test_a_header_in_the_middle_is_one_request_of_its_granules(cache: BlockCache) -> None:
    source = CountedSource(LARGE)
    content = cache.open("id", len(LARGE), None)
    assert read(content, source, 8_000_000, 2880) == LARGE[8_000_000:8_002_880]
    time.sleep(0.1)
    assert len(source.requests) == 1
    assert source.wire_bytes <= 32 * KIB
    content.close()


def test_random_reads_cost_at_most_a_third_more_than_their_bytes(cache: BlockCache) -> None:
    source = CountedSource(LARGE)
    content = cache.open("id", len(LARGE), None)
    chooser = random.Random(3)
    covered: set[int] = set()
    for _ in range(60):
        offset = chooser.randrange(len(LARGE) - 64 * KIB)
        assert read(content, source, offset, 64 * KIB) == LARGE[offset : offset + 64 * KIB]
        covered.update(range(offset // 512, (offset + 64 * KIB) // 512))
    assert source.wire_bytes <= 1.33 * len(covered) * 512
    content.close()


def test_a_stream_after_random_reads_fills_the_gaps_only(cache: BlockCache) -> None:
    source = CountedSource(LARGE)
    content = cache.open("id", len(LARGE), None)
    for offset in (1 * MIB, 7 * MIB + 100, 15 * MIB):
        read(content, source, offset, 64 * KIB)
    assert read_all(content, source) == LARGE
    assert source.wire_bytes == len(LARGE)
    content.close()


def test_a_stream_has_many_bytes_on_their_way(cache: BlockCache) -> None:
    source = CountedSource(LARGE, seconds=0.0005)
    content = cache.open("id", len(LARGE), None)
    assert read_all(content, source) == LARGE
    assert len(source.requests) <= 12
    assert source.wire_bytes == len(LARGE)
    content.close()


def test_many_readers_of_one_cold_file_cost_its_bytes_once(cache: BlockCache) -> None:
    source = CountedSource(LARGE, seconds=0.0002)
    wrong: list[int] = []

    def work(number: int) -> None:
        content = cache.open("id", len(LARGE), None)
        if read_all(content, source) != LARGE:
            wrong.append(number)
        content.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert wrong == []
    assert source.wire_bytes == len(LARGE)


def test_many_readers_of_one_small_cold_file_make_one_request(cache: BlockCache) -> None:
    data = some_bytes(30_000)
    source = CountedSource(data, seconds=0.02)

    def work() -> None:
        content = cache.open("id", len(data), md5(data))
        assert read_all(content, source) == data
        content.close()

    threads = [threading.Thread(target=work) for _ in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert source.requests == [(0, 30_000)]


def test_a_hit_does_not_wait_for_a_miss(cache: BlockCache) -> None:
    source = CountedSource(LARGE)
    content = cache.open("id", len(LARGE), None)
    read(content, source, 0, 16 * KIB)
    slow = CountedSource(LARGE, seconds=5)
    waiting = threading.Thread(target=read, args=(content, slow, 10 * MIB, 128 * KIB))
    waiting.start()
    time.sleep(0.05)
    for _ in range(100):
        assert read(content, source, 0, 16 * KIB) == LARGE[: 16 * KIB]
    assert waiting.is_alive()
    waiting.join(30)
    content.close()


def test_the_cache_survives_a_restart(make_cache: CacheMaker) -> None:
    first = make_cache()
    source = CountedSource(LARGE)
    content = first.open("id", len(LARGE), md5(LARGE))
    read_all(content, source)
    content.close()
    first.close()
    second = make_cache()
    again = CountedSource(LARGE)
    content = second.open("id", len(LARGE), md5(LARGE))
    assert read_all(content, again) == LARGE
    assert again.requests == []
    content.close()


def test_what_was_checked_is_not_checked_again_after_a_close(cache: BlockCache) -> None:
    source = CountedSource(LARGE)
    for _ in range(2):
        content = cache.open("id", len(LARGE), None)
        assert read_all(content, source) == LARGE
        content.close()
    eventually(lambda: cache.statistics().open_contents == 0)
    misses = cache.statistics().misses
    content = cache.open("id", len(LARGE), None)
    assert read_all(content, source) == LARGE
    assert cache.statistics().misses == misses
    content.close()


@pytest.mark.logs("fetched again")
def test_what_was_changed_while_closed_is_checked_again(cache: BlockCache) -> None:
    source = CountedSource(LARGE)
    content = cache.open("id", len(LARGE), None)
    read_all(content, source)
    content.close()
    eventually(lambda: cache.statistics().open_contents == 0)
    (path,) = (cache.spool_directory.parent / "content").glob("*/*.data")
    time.sleep(0.02)
    with path.open("r+b") as file:
        file.write(b"damage")
    content = cache.open("id", len(LARGE), None)
    assert read_all(content, source) == LARGE
    content.close()


def test_what_was_evicted_while_closed_is_fetched_again(cache: BlockCache) -> None:
    source = CountedSource(LARGE)
    content = cache.open("id", len(LARGE), None)
    read_all(content, source)
    content.close()
    eventually(lambda: cache.statistics().open_contents == 0)
    assert cache.evict("id") > 0
    content = cache.open("id", len(LARGE), None)
    assert read_all(content, source) == LARGE
    assert source.wire_bytes == 2 * len(LARGE)
    content.close()


def test_a_content_under_another_id_is_another_content(cache: BlockCache) -> None:
    old, new = some_bytes(MIB, seed=1), some_bytes(MIB + 17, seed=2)
    first = cache.open("old", len(old), None)
    read(first, CountedSource(old), 0, 4096)
    second = cache.open("new", len(new), None)
    assert read_all(second, CountedSource(new)) == new
    assert read_all(first, CountedSource(old)) == old
    first.close()
    second.close()


def test_a_content_id_of_any_text_will_do(cache: BlockCache) -> None:
    for content_id in ("../../etc/passwd", "", "ünï©ode \udcff", "x" * 5000, "a/b\0c"):
        data = some_bytes(MIB, seed=len(content_id))
        content = cache.open(content_id, len(data), None)
        assert read_all(content, CountedSource(data)) == data
        content.close()


def test_a_failing_request_fails_its_readers_and_not_the_next(cache: BlockCache) -> None:
    source = CountedSource(LARGE)
    source.failures = [ConnectionError("gone")]
    content = cache.open("id", len(LARGE), None)
    with pytest.raises(ConnectionError, match="gone"):
        read(content, source, 0, 4096)
    assert read(content, source, 0, 4096) == LARGE[:4096]
    content.close()


def test_the_failure_of_read_ahead_concerns_nobody(cache: BlockCache) -> None:
    class FailsAhead(CountedSource):
        @override
        def fetch(self, start: int, stop: int) -> Iterator[bytes]:
            if start >= 8 * MIB and not self.failures:
                self.failures = [ConnectionError("once")]
                raise self.failures[0]
            self.failures, kept = [], self.failures
            yield from super().fetch(start, stop)
            self.failures = kept

    source = FailsAhead(LARGE)
    content = cache.open("id", len(LARGE), None)
    assert read_all(content, source) == LARGE
    content.close()


def test_a_request_that_breaks_in_the_middle_is_continued(cache: BlockCache) -> None:
    class Breaks(CountedSource):
        @override
        def fetch(self, start: int, stop: int) -> Iterator[bytes]:
            given = 0
            for piece in super().fetch(start, stop):
                given += len(piece)
                if given > 2 * MIB and len(self.requests) < 40:
                    raise ConnectionResetError("in the middle")
                yield piece

    source = Breaks(LARGE)
    content = cache.open("id", len(LARGE), None)
    assert read_all(content, source) == LARGE
    content.close()


@pytest.mark.parametrize("excess", [-1, 1, -70_000])
def test_an_answer_of_the_wrong_length_is_an_error(cache: BlockCache, excess: int) -> None:
    class Wrong(CountedSource):
        @override
        def fetch(self, start: int, stop: int) -> Iterator[bytes]:
            yield from super().fetch(start, stop + excess)

    content = cache.open("id", len(LARGE), None)
    with pytest.raises(IncompleteFetch):
        read(content, Wrong(LARGE), 16 * KIB, 100 * KIB)
    assert (
        read(content, CountedSource(LARGE), 16 * KIB, 100 * KIB)
        == LARGE[16 * KIB :][: 100 * KIB]
    )
    content.close()


@pytest.mark.logs("wrong digest")
def test_a_small_content_with_a_wrong_digest_is_asked_for_twice_and_refused(
    cache: BlockCache,
) -> None:
    source = CountedSource(b"wrong bytes")
    content = cache.open("id", 11, md5(b"right bytes"))
    with pytest.raises(CorruptContent):
        read(content, source, 0, 11)
    assert len(source.requests) == 2
    source.data = b"right bytes"
    assert read(content, source, 0, 11) == b"right bytes"
    content.close()


@pytest.mark.logs("does not match its digest")
def test_a_large_content_with_a_wrong_digest_is_dropped_and_refused_the_second_time(
    cache: BlockCache,
) -> None:
    source = CountedSource(LARGE)
    content = cache.open("id", len(LARGE), md5(b"something else"))
    for times in (1, 2):
        read_all(content, source)
        eventually(lambda: cache.statistics().damaged_contents == times)  # noqa: B023 -- called at once
        eventually(lambda: not content.is_complete())
    with pytest.raises(CorruptContent):
        read(content, source, 0, 4096)
    content.close()


def test_a_complete_content_is_checked_once_and_marked(cache: BlockCache) -> None:
    source = CountedSource(LARGE)
    content = cache.open("id", len(LARGE), md5(LARGE))
    read_all(content, source)
    store = content._store
    assert store is not None
    eventually(store.is_marked_whole)
    content.close()


@pytest.mark.parametrize("length", [10, 10_000, 128 * KIB + 1, 3 * MIB])
def test_what_was_put_whole_is_read_without_a_request(cache: BlockCache, length: int) -> None:
    data = some_bytes(length)
    cache.put_whole("id", data, md5(data))
    assert cache.has("id", length)
    source = CountedSource(data)
    content = cache.open("id", length, md5(data))
    assert read_all(content, source) == data
    assert source.requests == []
    content.close()


def test_what_was_put_with_a_wrong_digest_is_not_kept(cache: BlockCache) -> None:
    cache.put_whole("id", b"right", md5(b"wrong"))
    assert not cache.has("id", 5)


def test_a_partly_read_content_is_not_had(cache: BlockCache) -> None:
    content = cache.open("id", len(LARGE), None)
    read(content, CountedSource(LARGE), 0, 4096)
    assert not cache.has("id", len(LARGE))
    content.close()
    assert not cache.has("unknown", 10)
    assert cache.has("empty", 0)


def test_a_file_that_was_taken_over_is_read_without_a_request(cache: BlockCache) -> None:
    path = cache.spool_directory / "finished"
    path.write_bytes(LARGE)
    cache.adopt("id", md5(LARGE), path)
    assert not path.exists()
    source = CountedSource(LARGE)
    content = cache.open("id", len(LARGE), md5(LARGE))
    assert read_all(content, source) == LARGE
    assert source.requests == []
    content.close()


def test_a_file_is_taken_over_although_its_content_is_open_already(cache: BlockCache) -> None:
    source = CountedSource(LARGE)
    content = cache.open("id", len(LARGE), md5(LARGE))
    path = cache.spool_directory / "finished"
    path.write_bytes(LARGE)
    cache.adopt("id", md5(LARGE), path)
    assert read_all(content, source) == LARGE
    assert source.requests == []
    content.close()


def test_read_ahead_for_nobody_stops(cache: BlockCache) -> None:
    source = CountedSource(LARGE, seconds=0.01)
    content = cache.open("id", len(LARGE), None)
    for position in range(0, MIB, 128 * KIB):
        read(content, source, position, 128 * KIB)
    content.close()
    eventually(lambda: cache.statistics().open_contents == 0)
    assert cache.statistics().wire_bytes < len(LARGE)


def test_statistics_tell_what_was_done(cache: BlockCache) -> None:
    source = CountedSource(LARGE)
    content = cache.open("id", len(LARGE), None)
    read(content, source, 0, 4096)
    for _ in range(3):
        read(content, source, 4096, 4096)
    numbers = cache.statistics()
    assert (numbers.hits, numbers.misses, numbers.requests) == (3, 1, 1)
    assert numbers.wire_bytes == 128 * KIB
    assert 0 < numbers.stored_bytes <= 136 * KIB
    assert numbers.hit_rate == 0.75
    assert numbers.open_contents == 1
    content.close()
    assert cache.statistics().hits == 3
    # The thread that fetched lets go a moment after the bytes were read.
    eventually(lambda: cache.statistics().open_contents == 0)
