"""Column types that mean the same on both engines."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite

from vospace_server.database.columns import UtcTime

DIALECT = sqlite.dialect()


@given(moment=st.datetimes(timezones=st.just(UTC)))
def test_a_time_comes_back_as_it_went(moment: datetime) -> None:
    column = UtcTime()

    stored = column.process_bind_param(moment, DIALECT)

    assert column.process_result_value(stored, DIALECT) == moment


def test_a_time_of_another_zone_is_the_same_moment() -> None:
    zone = timezone(timedelta(hours=5))

    stored = UtcTime().process_bind_param(datetime(1970, 1, 1, 5, tzinfo=zone), DIALECT)

    assert stored == 0


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        UtcTime().process_bind_param(datetime(2026, 1, 1), DIALECT)  # noqa: DTZ001


def test_no_time_is_no_time() -> None:
    column = UtcTime()

    assert column.process_bind_param(None, DIALECT) is None
    assert column.process_result_value(None, DIALECT) is None
