"""Byte ranges as a request spells them."""

import pytest

from vospace_model.faults import RangeNotSatisfiable
from vospace_server.domain.content import ByteRange, new_content_id


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-0", ByteRange(0, 1)),
        ("bytes=5-", ByteRange(5, 10)),
        ("bytes=-3", ByteRange(7, 10)),
        ("bytes=-30", ByteRange(0, 10)),
        ("bytes=2-99", ByteRange(2, 10)),
        ("Bytes = 2-3", None),
        ("BYTES=2-3", ByteRange(2, 4)),
        (" bytes= 2 - 3 ", ByteRange(2, 4)),
        ("bytes=3-2", None),
        ("bytes=1-2,4-5", None),
        ("bytes=-", None),
        ("bytes=a-b", None),
        ("items=0-1", None),
        ("", None),
    ],
)
def test_a_range_is_parsed_or_ignored(header: str, expected: ByteRange | None) -> None:
    assert ByteRange.parse(header, 10) == expected


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=10-20", "bytes=-0"])
def test_a_range_behind_the_end_can_not_be_satisfied(header: str) -> None:
    with pytest.raises(RangeNotSatisfiable, match="10 bytes"):
        ByteRange.parse(header, 10)


def test_no_range_of_nothing_can_be_satisfied() -> None:
    with pytest.raises(RangeNotSatisfiable):
        ByteRange.parse("bytes=0-", 0)


def test_a_range_has_a_length() -> None:
    assert len(ByteRange(2, 5)) == 3


def test_content_ids_are_32_digits_and_never_the_same() -> None:
    ids = {new_content_id() for _ in range(100)}

    assert len(ids) == 100
    assert all(len(each) == 32 for each in ids)
