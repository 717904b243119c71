"""Quotas: how full, how shared out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vospace_server.domain.allocation import Slot, Usage, fits, share_out, total_usage


def usage(used: int, quota: int | None, files: int = 0, most: int | None = None) -> Usage:
    return Usage(used_bytes=used, used_files=files, quota_bytes=quota, quota_files=most)


@pytest.mark.parametrize(
    ("used", "expected"), [(0, None), (79, None), (80, 80), (90, 90), (99, 90), (100, 100)]
)
def test_warnings_come_at_80_90_and_100_per_cent(used: int, expected: int | None) -> None:
    assert usage(used, 100).warning_percent == expected


def test_files_warn_as_well() -> None:
    assert usage(0, None, files=9, most=10).warning_percent == 90


def test_without_a_quota_nothing_is_known_to_be_left() -> None:
    free = usage(10**18, None)

    assert (free.available_bytes, free.available_files, free.warning_percent) == (
        None,
        None,
        None,
    )


def test_more_used_than_the_quota_leaves_nothing() -> None:
    assert usage(120, 100).available_bytes == 0


def test_a_refusal_names_the_quota_the_limit_and_what_is_left() -> None:
    sentence = usage(990, 1000).refusal(20)

    assert sentence == (
        "the quota is 1000 B (1000 bytes), 10 bytes are left, 20 more are needed"
    )


def test_a_refusal_of_files_says_so() -> None:
    assert usage(0, 1000, files=5, most=5).refusal(20) == ("the quota is 5 files, 0 are left")


def test_what_is_not_asked_for_fits_even_above_the_quota() -> None:
    full = usage(120, 100, files=7, most=5)

    assert fits(full, 0, 0)
    assert fits(full, -10, 0)
    assert not fits(full, 1, 0)
    assert not fits(full, 0, 1)


@given(
    quota=st.integers(0, 10**15),
    used=st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=16),
    wanted=st.integers(0, 10**12),
)
def test_caps_add_up_to_the_quota_and_give_room_to_the_first(
    quota: int, used: list[int], wanted: int
) -> None:
    caps = share_out(quota, used, first=len(used) - 1, wanted=wanted)

    assert sum(cap for cap in caps if cap is not None) == quota
    if sum(used) + wanted <= quota:
        last = caps[-1]
        assert last is not None
        assert used[-1] + wanted <= last
        assert all(cap is not None and own <= cap for cap, own in zip(caps, used, strict=True))


def test_no_quota_is_shared_out_as_no_caps() -> None:
    assert share_out(None, [1, 2]) == [None, None]


def test_the_use_of_an_allocation_is_the_sum_over_its_slots() -> None:
    slots = [
        Slot(slot=0, used_bytes=-5, used_files=2, cap_bytes=10, cap_files=None),
        Slot(slot=1, used_bytes=9, used_files=-1, cap_bytes=20, cap_files=None),
    ]

    assert total_usage(slots) == usage(4, 30, files=1)
