"""SqliteReaders: read transactions on connections that stay as they are."""

import sqlite3
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, exc


class SqliteReaders:
    """Begins and ends read transactions of SQLite for the cost of these two statements.

    To take a connection out of its pool, begin, end and put it back takes SQLAlchemy longer
    than a small query. So each connection is taken once, and stays in what SQLAlchemy holds for
    one transaction; those of the database are begun and ended past it.
    """

    def __init__(self, engine: Engine, most: int) -> None:
        self._engine = engine
        self._most = most
        # What nobody uses at the moment. Taking and giving back are atomic.
        self._idle: deque[Connection] = deque()
        self._closed = False

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction that sees one state; it ends with the block, however that ends.

        Results must have been read to their end by then, or the next transaction on the
        connection sees the same state.
        """
        connection = self._taken()
        driver: Any = connection.connection.driver_connection
        try:
            driver.execute("BEGIN")
            try:
                yield connection
            finally:
                # After some errors SQLite has ended it already.
                if driver.in_transaction:
                    driver.execute("COMMIT")
        except (exc.DBAPIError, sqlite3.Error):
            # Who knows in what state it is.
            connection.invalidate()
            connection.close()
            raise
        finally:
            self._give_back(connection)

    def close(self) -> None:
        """Close the connections that nobody uses, and others when they come back."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    def _taken(self) -> Connection:
        try:
            return self._idle.pop()
        except IndexError:
            connection = self._engine.connect()
            connection.begin()
            driver: Any = connection.connection.driver_connection
            driver.execute("COMMIT")
            return connection

    def _give_back(self, connection: Connection) -> None:
        if connection.closed:
            return
        if len(self._idle) < self._most and not self._closed:
            self._idle.append(connection)
        else:
            connection.close()
