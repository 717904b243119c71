"""Times as documents spell them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given

from tests.vospace_model.strategies import moments
from vospace_model import (
    InvalidArgument,
    format_date_time,
    format_node_date,
    moment_of,
    nanoseconds_of,
    parse_timestamp,
)

MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678999, tzinfo=UTC)


def test_node_date_has_milliseconds_and_no_offset() -> None:
    assert format_node_date(MOMENT) == "2026-01-02T03:04:05.678"
    assert format_node_date(MOMENT.replace(microsecond=0)) == "2026-01-02T03:04:05.000"


def test_date_time_of_jobs_says_that_it_is_utc() -> None:
    assert format_date_time(MOMENT) == "2026-01-02T03:04:05.678Z"


def test_time_of_another_zone_is_written_in_utc() -> None:
    local = MOMENT.astimezone(timezone(timedelta(hours=-8)))

    assert format_node_date(local) == "2026-01-02T03:04:05.678"


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-02T03:04:05.678999",
        "2026-01-02T03:04:05.678999Z",
        " 2026-01-02 03:04:05.678999123 ",
        "2026-01-01T19:04:05.678999-08:00",
        "2026-01-02T04:34:05.678999+0130",
    ],
)
def test_time_is_read_in_every_usual_spelling(text: str) -> None:
    assert parse_timestamp(text) == MOMENT


@given(moments)
def test_time_of_milliseconds_survives_its_text(moment: datetime) -> None:
    assert parse_timestamp(format_node_date(moment)) == moment
    assert parse_timestamp(format_date_time(moment)) == moment
    assert moment_of(nanoseconds_of(moment)) == moment


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is not a time"),
        ("yesterday", "is not a time"),
        ("2026-01-02", "is not a time"),
        ("2026-01-02T03:04", "is not a time"),
        ("٢٠٢٦-01-02T03:04:05", "is not a time"),
        ("2026-02-30T00:00:00", "is not a possible time"),
        ("2026-01-02T25:00:00", "is not a possible time"),
        ("0001-01-01T00:00:00+01:00", "is not a possible time"),
    ],
)
def test_what_is_no_time_is_refused(text: str, reason: str) -> None:
    with pytest.raises(InvalidArgument, match=reason):
        parse_timestamp(text)


def test_nanoseconds_are_those_of_a_file_system() -> None:
    assert nanoseconds_of(datetime(1970, 1, 1, 0, 0, 1, 5, tzinfo=UTC)) == 1_000_005_000
    assert moment_of(-1) == datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)


def test_nanoseconds_beyond_the_calendar_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="is beyond the calendar"):
        moment_of(2**80)
