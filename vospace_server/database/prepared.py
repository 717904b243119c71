"""Prepared: the few statements that nearly every request makes, without what comes round."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from sqlalchemy import Connection, Dialect, Select
from sqlalchemy.sql.compiler import SQLCompiler

_SQLITE: Final = "sqlite"

Bind = Callable[[Any], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Text:
    """A statement as SQLite is told it: the text, and where its parameters come from."""

    sql: str
    parameters: tuple[tuple[str, Bind | None], ...]
    # What SQLAlchemy put there by itself, as the 0 of an OFFSET.
    constants: Mapping[str, Any]

    def values(self, given: Mapping[str, Any]) -> list[Any]:
        values = {**self.constants, **given}
        return [
            values[name] if bind is None else bind(values[name])
            for name, bind in self.parameters
        ]


class Prepared:
    """A SELECT that goes past SQLAlchemy's execution on SQLite, which takes longer than SQLite.

    Rows are as the driver gives them: a boolean is 0 or 1. On PostgreSQL, where the way there
    and back costs more, the statement is executed as any other.
    """

    def __init__(self, statement: Select[Any]) -> None:
        self._statement = statement
        # Two threads may both make it, and make the same.
        self._text: _Text | None = None

    def rows(self, connection: Connection, **given: Any) -> Sequence[Sequence[Any]]:
        """All rows, in the transaction that the connection has begun."""
        if connection.dialect.name != _SQLITE:
            return connection.execute(self._statement, given).all()
        text = self._text
        if text is None:
            text = self._text = _text_of(self._statement, connection.dialect)
        driver = cast("sqlite3.Connection", connection.connection.driver_connection)
        return driver.execute(text.sql, text.values(given)).fetchall()


def _text_of(statement: Select[Any], dialect: Dialect) -> _Text:
    compiled = statement.compile(dialect=dialect)
    assert isinstance(compiled, SQLCompiler), "it is a SELECT"
    return _Text(
        sql=compiled.string,
        parameters=tuple(
            (name, compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect))
            for name in compiled.positiontup or ()
        ),
        constants={name: value for name, value in compiled.params.items() if value is not None},
    )
