"""Column types that mean the same on SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Dialect,
    Integer,
    MetaData,
    Text,
    literal_column,
)
from sqlalchemy.types import TypeDecorator, TypeEngine
from typing_extensions import override

metadata = MetaData()

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class UtcTime(TypeDecorator[datetime]):
    """An aware UTC datetime, kept as whole microseconds since 1970 on every engine.

    Naive datetimes are refused: SQLite has no time zones, and a time whose zone was guessed
    is wrong by hours on the one machine where nobody looks.
    """

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = BigInteger
    cache_ok: bool | None = True

    @override
    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        if value is None:
            return None
        if value.tzinfo is None:
            message = "a time without a zone can't be stored"
            raise ValueError(message)
        return (value - _EPOCH) // _MICROSECOND

    @override
    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else _EPOCH + value * _MICROSECOND


# A number that the database hands out. SQLite only counts up by itself when the type of the
# primary key is spelled exactly INTEGER (which is 64 bits wide there too).
BigId = BigInteger().with_variant(Integer(), "sqlite")

# Text compared and sorted as its UTF-8 bytes: node names are bytes, never folded or collated.
# SQLite compares so by default (BINARY); PostgreSQL needs to be told.
ExactText = Text().with_variant(Text(collation="C"), "postgresql")


def constant(value: int) -> ColumnElement[int]:
    """A number as a part of the statement.

    Written otherwise, SQLAlchemy sends it along as a parameter with each execution, and takes
    as long for each of them as for one that changes.
    """
    return literal_column(str(value), BigInteger)
