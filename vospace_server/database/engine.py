"""Database: one address, and transactions on it."""

import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, exc, make_url
from sqlalchemy.engine import URL

from vospace_model.faults import ServiceBusy
from vospace_server.database.conflicts import ConflictError
from vospace_server.database.data_version import DataVersion
from vospace_server.database.sqlite_readers import SqliteReaders
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.database.upgrading import read_revision, upgrade_schema

T = TypeVar("T")

# How long a transaction waits for another before the caller is told to come back.
LOCK_WAIT_SECONDS: Final = 30
_RETRY_AFTER_SECONDS: Final = 2
_SWITCH_PAUSE_SECONDS: Final = 0.01
# When a connection came back, in the notes that its pool keeps about it.
_RETURNED: Final = "returned"
_TRUSTED_SECONDS: Final = 1.0
# Conflicts are rare and each attempt starts from fresh rows; more than a few in a row mean
# that something else is wrong.
_ATTEMPTS: Final = 10
_FIRST_PAUSE_SECONDS: Final = 0.002

# SQLSTATEs of PostgreSQL: serialization failure, deadlock. Nothing was changed; try again.
_CONFLICT_STATES: Final = frozenset({"40001", "40P01"})
# Lock not available, too many connections, shutting down.
_BUSY_STATES: Final = frozenset({"55P03", "53300", "57P01", "57P02", "57P03"})
_FULL_STATES: Final = frozenset({"53100"})
_SQLITE_PRIMARY_CODE: Final = 0xFF
# Somebody has to make room first.
_FULL_RETRY_AFTER_SECONDS: Final = 120


class Database:
    """The database at an SQLAlchemy URL: SQLite or PostgreSQL (`postgresql+psycopg://...`).

    Threads share one Database. A transaction belongs to the thread that opened it, commits at
    the end of its `with` block and is rolled back by any exception.
    """

    def __init__(self, url: str, *, pool_size: int = 16) -> None:
        parsed = make_url(url)
        self._is_sqlite = parsed.get_backend_name() == "sqlite"
        engines = _sqlite_engines if self._is_sqlite else _postgres_engines
        self._reader, self._writer, self._hasty_writer = engines(parsed, pool_size)
        self._sqlite_readers = SqliteReaders(self._reader, pool_size)
        self._glancer = self._reader.execution_options(isolation_level="AUTOCOMMIT")
        # SQLite has one writer at a time; waiting here is fair and wakes at once, where its
        # own waiting polls. Guards nothing in memory. PostgreSQL needs no such thing.
        self._writer_turn = threading.Lock()
        self._writing_thread: int | None = None
        self._version = DataVersion(self._reader) if self._is_sqlite else None

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._writer.dialect.name

    def data_version(self) -> int | None:
        """A number that differs after each commit, by whomever; waits for nothing.

        None when that can't be told without asking: always in PostgreSQL.
        """
        return None if self._version is None else self._version.current()

    def upgrade(self) -> None:
        """Make all tables, or bring them to the newest schema; harmless to repeat.

        Two processes may call it at once: the second waits for the first. Raises
        SchemaTooNewError for a database that a newer version has already migrated.
        """
        with _translated(), self._turn():
            upgrade_schema(self._writer)

    def revision(self) -> str | None:
        """The schema that the database has now; None before the first `upgrade`."""
        with _translated(), self._reader.begin() as connection:
            return read_revision(connection)

    @contextmanager
    def read(self) -> Iterator[UnitOfWork]:
        """A transaction that sees one state of the database and changes nothing."""
        with _translated(), self._reading() as connection:
            yield UnitOfWork(connection)

    @contextmanager
    def glance(self) -> Iterator[UnitOfWork]:
        """What is committed at each statement, for a single one that needs no transaction.

        Spares PostgreSQL the two round trips that begin and end one.
        """
        glancing = self._reading if self._is_sqlite else self._glancer.connect
        with _translated(), glancing() as connection:
            yield UnitOfWork(connection)

    @contextmanager
    def write(self) -> Iterator[UnitOfWork]:
        """A transaction that may change things; durable when the block has ended.

        Raises ServiceBusy when another transaction is in the way for too long or wins a
        conflict; see `retrying` for work that had better be repeated.
        """
        try:
            with self._write() as unit:
                yield unit
        except ConflictError as error:
            raise _busy() from error

    def retrying(self, work: Callable[[UnitOfWork], T], *, durable: bool = True) -> T:
        """What `work` returns, called in a `write` transaction, again after a conflict.

        A conflict is a deadlock that PostgreSQL resolved against us, or a ConflictError that
        `work` raised because a row moved between finding and locking it. Each attempt is a new
        transaction, so `work` must keep no state of its own.

        Without `durable`, the transaction is as whole and as visible as any other, but a loss
        of power within a moment may undo it, together with nothing that came after it. This
        spares the wait for the disk where nobody is told that anything has been kept.
        """
        pause = _FIRST_PAUSE_SECONDS
        for _ in range(_ATTEMPTS - 1):
            try:
                with self._write(durable=durable) as unit:
                    return work(unit)
            except ConflictError:
                # Not all at the same time again.
                time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
                pause *= 2
        with self.write() as unit:
            return work(unit)

    def close(self) -> None:
        """Close all connections; the database stays as it is."""
        self._sqlite_readers.close()
        if self._version is not None:
            self._version.close()
        for engine in (self._reader, self._writer, self._hasty_writer):
            engine.dispose()

    def _reading(self) -> AbstractContextManager[Connection]:
        if self._is_sqlite:
            return self._sqlite_readers.transaction()
        return self._reader.begin()

    @contextmanager
    def _write(self, *, durable: bool = True) -> Iterator[UnitOfWork]:
        engine = self._writer if durable else self._hasty_writer
        with _translated(), self._turn(), engine.begin() as connection:
            if not durable and not self._is_sqlite:
                connection.exec_driver_sql("SET LOCAL synchronous_commit TO OFF")
            yield UnitOfWork(connection)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._is_sqlite:
            yield
            return
        if self._writing_thread == threading.get_ident():
            raise RuntimeError("a write transaction was opened inside another")
        if not self._writer_turn.acquire(timeout=LOCK_WAIT_SECONDS):
            raise _busy()
        self._writing_thread = threading.get_ident()
        try:
            yield
        finally:
            self._writing_thread = None
            self._writer_turn.release()


@contextmanager
def _translated() -> Iterator[None]:
    """Errors of drivers and pools become ConflictError or ServiceBusy, where they are that."""
    try:
        yield
    # sqlite3's own errors come from `_beginner`, which goes past SQLAlchemy.
    except (exc.TimeoutError, sqlite3.OperationalError, exc.DBAPIError) as error:
        meaning = _meaning_of(error)
        if meaning is None:
            raise
        raise meaning from error


def _meaning_of(error: Exception) -> Exception | None:
    cause = error.orig if isinstance(error, exc.DBAPIError) else error
    state = getattr(cause, "sqlstate", None)
    code = getattr(cause, "sqlite_errorcode", 0) & _SQLITE_PRIMARY_CODE
    if state in _CONFLICT_STATES:
        return ConflictError(str(cause))
    if state in _FULL_STATES or code == sqlite3.SQLITE_FULL:
        return ServiceBusy(
            "the disk of the database is full; nothing was changed", _FULL_RETRY_AFTER_SECONDS
        )
    gone = isinstance(error, exc.DBAPIError) and error.connection_invalidated
    waited = isinstance(error, exc.TimeoutError)
    if gone or waited or state in _BUSY_STATES or code == sqlite3.SQLITE_BUSY:
        return _busy()
    return None


def _busy() -> ServiceBusy:
    return ServiceBusy("the database is busy; try again", _RETRY_AFTER_SECONDS)


def _sqlite_engines(url: URL, pool_size: int) -> tuple[Engine, Engine, Engine]:
    """A reader, a writer and a hasty writer.

    They differ in how a transaction begins, and in whether its end waits for the disk. What a
    hasty writer wrote reaches the disk with the next commit of the other at the latest, as both
    append to one log.
    """
    return (
        _sqlite_engine(url, pool_size, begin="BEGIN", synchronous="FULL"),
        _sqlite_engine(url, 1, begin="BEGIN IMMEDIATE", synchronous="FULL"),
        _sqlite_engine(url, 1, begin="BEGIN IMMEDIATE", synchronous="NORMAL"),
    )


def _sqlite_engine(url: URL, pool_size: int, *, begin: str, synchronous: str) -> Engine:
    # isolation_level None: sqlite3 begins no transactions behind our back; the events do.
    arguments = {
        "check_same_thread": False,
        "isolation_level": None,
        "timeout": LOCK_WAIT_SECONDS,
        "cached_statements": 512,
    }
    engine = create_engine(url, connect_args=arguments, pool_size=pool_size, max_overflow=-1)
    event.listen(engine, "connect", _preparer(synchronous))
    event.listen(engine, "begin", _beginner(begin))
    return engine


def _beginner(statement: str) -> Callable[[Connection], None]:
    def begin(connection: Connection) -> None:
        # Past SQLAlchemy's own execution, which costs as much as a small query.
        driver: Any = connection.connection.driver_connection
        driver.execute(statement)

    return begin


def _preparer(synchronous: str) -> Callable[[Any, object], None]:
    """Settings that SQLite keeps per connection (the WAL mode: in the file)."""

    def prepare(connection: Any, _record: object) -> None:
        connection.execute(f"PRAGMA busy_timeout = {int(LOCK_WAIT_SECONDS * 1000)}")
        _use_write_ahead_log(connection)
        for statement in (
            # FULL: an acknowledged commit survives the loss of power, at one fsync each.
            f"PRAGMA synchronous = {synchronous}",
            "PRAGMA foreign_keys = ON",
            "PRAGMA cache_size = -65536",
            "PRAGMA mmap_size = 268435456",
        ):
            connection.execute(statement)

    return prepare


def _use_write_ahead_log(connection: Any) -> None:
    """Switch a new file to WAL; one that is switched stays so.

    SQLite's own patience does not count here: of several that open a new file at once, one
    switches it and the others are told at once that it is busy.
    """
    deadline = time.monotonic() + LOCK_WAIT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            is_busy = error.sqlite_errorcode & _SQLITE_PRIMARY_CODE == sqlite3.SQLITE_BUSY
            if not is_busy or time.monotonic() > deadline:
                raise
            time.sleep(_SWITCH_PAUSE_SECONDS)
        else:
            return


def _postgres_engines(url: URL, pool_size: int) -> tuple[Engine, Engine, Engine]:
    """Two views of one pool: readers see one snapshot, writers what is committed."""
    limits = f"-c lock_timeout={LOCK_WAIT_SECONDS}s -c idle_in_transaction_session_timeout=5min"
    engine = create_engine(
        url,
        connect_args={"options": limits, "connect_timeout": LOCK_WAIT_SECONDS},
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=LOCK_WAIT_SECONDS,
    )
    event.listen(engine, "checkin", _note_return)
    event.listen(engine, "checkout", _tester(engine))
    reader = engine.execution_options(
        isolation_level="REPEATABLE READ", postgresql_readonly=True
    )
    writer = engine.execution_options(isolation_level="READ COMMITTED")
    return reader, writer, writer


def _note_return(_connection: object, record: Any) -> None:
    record.info[_RETURNED] = time.monotonic()


def _tester(engine: Engine) -> Callable[[Any, Any, object], None]:
    """A connection that a restart of PostgreSQL has closed is replaced, not handed out.

    One that has just been used is not asked: that would cost each transaction a round trip.
    """

    def test(connection: Any, record: Any, _proxy: object) -> None:
        if time.monotonic() - record.info.get(_RETURNED, 0.0) < _TRUSTED_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise exc.InvalidatePoolError from error

    return test
