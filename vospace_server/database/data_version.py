"""DataVersion: whether anything at all was committed to an SQLite file, for next to nothing."""

import sqlite3
import threading
from typing import Any, Final, cast

from sqlalchemy import Engine, PoolProxiedConnection

# Nothing stands in a reader's way in WAL mode but a recovery; then nobody here waits for it.
_PATIENCE: Final = "PRAGMA busy_timeout = 0"


class DataVersion:
    """A number that differs after each commit of any process (SQLite, PRAGMA data_version).

    It costs some microseconds and waits for nothing, so that an event loop may ask. Keeps one
    connection of the engine, opened with the first question.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        # Guards the connection, held over the question.
        self._lock = threading.Lock()
        self._connection: PoolProxiedConnection | None = None

    def current(self) -> int | None:
        """The number now; None when it can't be told at once, which says nothing."""
        with self._lock:
            try:
                return self._ask()
            except sqlite3.OperationalError:
                return None

    def close(self) -> None:
        """Give the connection up."""
        with self._lock:
            if self._connection is not None:
                self._connection.invalidate()
                self._connection = None

    def _ask(self) -> int:
        if self._connection is None:
            self._connection = self._engine.raw_connection()
            self._driver(self._connection).execute(_PATIENCE)
        row = self._driver(self._connection).execute("PRAGMA data_version").fetchone()
        version: int = row[0]
        return version

    @staticmethod
    def _driver(connection: PoolProxiedConnection) -> sqlite3.Connection:
        # Past SQLAlchemy's own execution, which costs ten times as much.
        driver: Any = connection.driver_connection
        return cast("sqlite3.Connection", driver)
