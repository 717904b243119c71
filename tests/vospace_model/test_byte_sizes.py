"""Sizes as people write and read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vospace_model.byte_sizes import format_size, parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("4096", 4096),
        ("4096B", 4096),
        ("10GiB", 10 * 2**30),
        ("10 gib", 10 * 2**30),
        ("10G", 10 * 2**30),
        ("512k", 512 * 1024),
        ("500MB", 500 * 10**6),
        ("1.5TB", 15 * 10**11),
        ("0.5KiB", 512),
    ],
)
def test_a_size_is_read(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "GiB", "-1", "1,5G", "10 XB", "1e9", "٣", "1.", "0x10"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size"):
        parse_size(text)


def test_more_than_a_column_holds_is_refused() -> None:
    with pytest.raises(ValueError, match="more than a service can count"):
        parse_size("10000PB")


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1 KiB"), (1536, "1.5 KiB"), (2**40, "1 TiB")],
)
def test_a_size_is_shown_in_its_largest_unit(size: int, text: str) -> None:
    assert format_size(size) == text


@given(st.integers(min_value=0, max_value=2**62))
def test_what_is_shown_can_be_read_and_is_near(size: int) -> None:
    assert abs(parse_size(format_size(size)) - size) <= size * 0.06
