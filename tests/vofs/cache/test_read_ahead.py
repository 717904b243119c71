"""The read-ahead policy, by tables of reads and what must be fetched for them."""

import random

import pytest

from vofs.cache.read_ahead import Plan, ReadAhead

KIB = 1024
MIB = 1024 * KIB
LENGTH = 1024 * MIB


def policy(length: int = LENGTH) -> ReadAhead:
    return ReadAhead(length=length, window_bytes=16 * MIB)


def test_the_first_read_of_a_file_fetches_a_header_and_no_more() -> None:
    assert policy().observe(0, 16 * KIB) == Plan(stop=128 * KIB)


def test_who_reads_a_header_pays_for_two_requests_of_the_kernel_at_most() -> None:
    reads = policy()
    assert reads.observe(0, 128 * KIB) == Plan(stop=128 * KIB)
    assert reads.observe(128 * KIB, 128 * KIB) == Plan(stop=256 * KIB)
    assert reads.observe(256 * KIB, 128 * KIB).stop > 512 * KIB


def test_the_first_read_of_a_short_file_fetches_to_its_end() -> None:
    assert policy(5000).observe(0, 4096) == Plan(stop=5000)


def test_a_read_in_the_middle_fetches_what_was_asked_for() -> None:
    assert policy().observe(80 * MIB, 64 * KIB) == Plan(stop=80 * MIB + 64 * KIB)


@pytest.mark.parametrize("size", [4 * KIB, 64 * KIB, 128 * KIB])
def test_a_stream_from_the_start_soon_fetches_far_ahead(size: int) -> None:
    reads = policy()
    position = asked = 0
    fetched = 0
    while position < 4 * MIB:
        if position + size > fetched:
            fetched = max(fetched, reads.observe(position, size).stop)
            asked += 1
        position += size
    assert asked <= 8
    assert fetched >= 5 * MIB


def test_a_stream_from_the_middle_grows_no_faster_than_it_is_read() -> None:
    reads = policy()
    start = 100 * MIB
    for number in range(64):
        stop = reads.observe(start + number * 128 * KIB, 128 * KIB).stop
        useful = (number + 1) * 128 * KIB
        assert stop - start <= 3 * useful


def test_the_window_has_an_end() -> None:
    reads = policy()
    position = 0
    for _ in range(1000):
        plan = reads.observe(position, 128 * KIB)
        assert plan.stop - position <= 32 * MIB + 128 * KIB
        position += 128 * KIB


def test_nothing_is_planned_beyond_the_end() -> None:
    reads = policy(3 * MIB)
    for position in range(0, 3 * MIB, 128 * KIB):
        assert reads.observe(position, 128 * KIB).stop <= 3 * MIB


def test_reads_out_of_order_are_one_stream() -> None:
    reads = policy()
    order = [0, 2, 1, 3, 5, 4, 6, 8, 7]
    stops = [reads.observe(number * 128 * KIB, 128 * KIB).stop for number in order]
    assert max(stops) >= 2 * MIB


def test_two_streams_in_one_file_grow_side_by_side() -> None:
    reads = policy()
    first = second = Plan(stop=0)
    for number in range(32):
        first = reads.observe(number * 128 * KIB, 128 * KIB)
        second = reads.observe(500 * MIB + number * 128 * KIB, 128 * KIB)
    assert first.stop >= 4 * MIB
    assert second.stop >= 504 * MIB


def test_random_reads_fetch_nothing_ahead() -> None:
    chooser = random.Random(7)
    reads = policy()
    ahead = 0
    for _ in range(500):
        offset = chooser.randrange(1, LENGTH - 64 * KIB)
        ahead += reads.observe(offset, 64 * KIB).stop - offset - 64 * KIB
    assert ahead <= 0.1 * 500 * 64 * KIB


def test_a_marker_stands_where_the_last_window_begins() -> None:
    reads = policy()
    reads.observe(0, 128 * KIB)
    reads.observe(128 * KIB, 128 * KIB)
    plan = reads.observe(256 * KIB, 128 * KIB)
    assert plan.marker == 384 * KIB
    assert plan.stop > 1 * MIB


def test_a_reader_at_the_marker_gets_the_next_window() -> None:
    reads = policy()
    reads.observe(0, 128 * KIB)
    reads.observe(128 * KIB, 128 * KIB)
    first = reads.observe(256 * KIB, 128 * KIB)
    assert first.marker is not None
    second = reads.observe(first.marker, 128 * KIB)
    assert second.stop > first.stop
    assert second.marker == first.stop


def test_what_was_withdrawn_is_planned_again() -> None:
    reads = policy()
    reads.observe(0, 128 * KIB)
    reads.observe(128 * KIB, 128 * KIB)
    first = reads.observe(256 * KIB, 128 * KIB)
    reads.withdraw(384 * KIB)
    assert reads.observe(384 * KIB, 128 * KIB).stop >= first.stop
