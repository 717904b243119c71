"""Times as the documents spell them. Inside, a time is an aware UTC datetime."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from vospace_model.faults import InvalidArgument

_TIMESTAMP: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:?\d\d)?", re.ASCII
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_NANOSECONDS_PER_MICROSECOND: Final = 1000


def format_node_date(moment: datetime) -> str:
    """`YYYY-MM-DDTHH:MM:SS.sss` in UTC without an offset, cut to milliseconds.

    The `vos` client parses the dates of nodes in this form and fails on an offset.
    """
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")


def format_date_time(moment: datetime) -> str:
    """The same as an XSD dateTime that says it is UTC, for UWS and VOSI documents."""
    return format_node_date(moment) + "Z"


def parse_timestamp(text: str) -> datetime:
    """The moment that either form means; without an offset it is UTC.

    Fractions finer than a microsecond are cut. Raises InvalidArgument.
    """
    found = _TIMESTAMP.fullmatch(text.strip())
    if found is None:
        raise InvalidArgument(f"{text[:40]!r} is not a time (YYYY-MM-DDTHH:MM:SS.sss)")
    day, clock, fraction, offset = found.groups()
    micros = (fraction or "0")[:6].ljust(6, "0")
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}.{micros}{offset or 'Z'}")
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidArgument(f"{text[:40]!r} is not a possible time") from error


def nanoseconds_of(moment: datetime) -> int:
    """Nanoseconds since 1970, as file systems count."""
    return (moment - _EPOCH) // _MICROSECOND * _NANOSECONDS_PER_MICROSECOND


def moment_of(nanoseconds: int) -> datetime:
    """The moment so many nanoseconds after 1970, cut to microseconds.

    Raises InvalidArgument beyond the years 1 to 9999.
    """
    try:
        return _EPOCH + timedelta(microseconds=nanoseconds // _NANOSECONDS_PER_MICROSECOND)
    except OverflowError as error:
        raise InvalidArgument(f"{nanoseconds} ns is beyond the calendar") from error
