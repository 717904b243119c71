"""Database: transactions that commit, roll back, wait for one another and are repeated."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, exc, text

from tests.support.postgres import PostgresServer
from vospace_model.faults import ServiceBusy
from vospace_model.nodes import NodeType
from vospace_model.uris import NodePath
from vospace_server.database import engine as engine_module
from vospace_server.database.conflicts import ConflictError
from vospace_server.database.engine import Database
from vospace_server.database.schema import ROOT_ID
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.domain.node_record import NewNode


def add(unit: UnitOfWork, name: str) -> int:
    new = NewNode(parent_id=ROOT_ID, name=name, kind=NodeType.CONTAINER, owner_id=0)
    return unit.nodes.add_all([new], 1)[0]


def names(database: Database) -> list[str]:
    with database.read() as unit:
        return [child.name for child in unit.nodes.children(ROOT_ID, after="", limit=100)]


def test_what_was_written_is_there_afterwards(database: Database) -> None:
    with database.write() as unit:
        add(unit, "a")

    assert names(database) == ["a"]


def test_an_exception_undoes_everything(database: Database) -> None:
    def fail() -> None:
        with database.write() as unit:
            add(unit, "a")
            raise KeyError

    with pytest.raises(KeyError):
        fail()

    assert names(database) == []


def test_a_reader_sees_one_state_to_its_end(database: Database) -> None:
    with database.read() as reader:
        before = reader.nodes.walk(NodePath.parse("/a"))
        with database.write() as writer:
            add(writer, "a")
        after = reader.nodes.walk(NodePath.parse("/a"))

    assert len(before) == len(after) == 1
    assert names(database) == ["a"]


def test_writers_wait_for_one_another(database: Database) -> None:
    def write(number: int) -> None:
        for turn in range(10):
            with database.write() as unit:
                add(unit, f"n{number}-{turn}")

    writers = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert len(names(database)) == 80


def test_two_processes_write_one_sqlite_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'space.sqlite'}"
    first, second = Database(url), Database(url)
    first.upgrade()
    done = threading.Event()

    def hold() -> None:
        with first.write() as unit:
            add(unit, "slow")
            done.wait(0.3)

    holder = threading.Thread(target=hold)
    holder.start()
    time.sleep(0.1)
    with second.write() as unit:
        add(unit, "quick")
    holder.join()

    assert names(second) == ["quick", "slow"]
    first.close()
    second.close()


def test_waiting_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "LOCK_WAIT_SECONDS", 0.2)
    database = Database(f"sqlite:///{tmp_path / 'space.sqlite'}")
    database.upgrade()
    other = create_engine(f"sqlite:///{tmp_path / 'space.sqlite'}")

    with other.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        with pytest.raises(ServiceBusy) as caught, database.write():
            pass
        connection.rollback()

    assert caught.value.retry_after_seconds == 2
    other.dispose()
    database.close()


def test_a_thread_that_waits_too_long_for_its_turn_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "LOCK_WAIT_SECONDS", 0.2)
    database = Database(f"sqlite:///{tmp_path / 'space.sqlite'}")
    database.upgrade()
    faults: list[ServiceBusy] = []

    def write() -> None:
        try:
            with database.write():
                pass
        except ServiceBusy as fault:
            faults.append(fault)

    with database.write():
        thread = threading.Thread(target=write)
        thread.start()
        thread.join()

    assert len(faults) == 1
    database.close()


def test_a_transaction_inside_another_is_an_error_of_ours(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'space.sqlite'}")
    database.upgrade()

    with (
        pytest.raises(RuntimeError, match="inside another"),
        database.write(),
        database.write(),
    ):
        pass
    database.close()


def test_work_is_repeated_after_a_conflict(database: Database) -> None:
    attempts = []

    def work(unit: UnitOfWork) -> str:
        add(unit, "a")
        attempts.append(1)
        if len(attempts) < 3:
            raise ConflictError("moved")
        return "done"

    assert database.retrying(work) == "done"
    assert (len(attempts), names(database)) == (3, ["a"])


def test_a_conflict_that_does_not_end_is_service_busy(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "_FIRST_PAUSE_SECONDS", 0)

    def work(_unit: UnitOfWork) -> None:
        raise ConflictError("moved")

    with pytest.raises(ServiceBusy):
        database.retrying(work)


@pytest.mark.postgres
def test_a_deadlock_is_a_conflict_and_both_are_done(database: Database) -> None:
    if database.dialect == "sqlite":
        # One writer at a time: there is nothing to lock in the wrong order.
        return
    with database.write() as unit:
        first, second = add(unit, "a"), add(unit, "b")
    meeting = threading.Barrier(2, timeout=10)

    def lock_both(one: int, other: int) -> None:
        met: list[bool] = []

        def work(unit: UnitOfWork) -> None:
            records = {record.node_id: record for record in unit.nodes.by_ids([one, other])}
            unit.nodes.lock(records[one])
            if not met:
                met.append(True)
                meeting.wait()
            unit.nodes.lock(records[other])

        database.retrying(work)

    threads = [
        threading.Thread(target=lock_both, args=pair)
        for pair in ((first, second), (second, first))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert not any(thread.is_alive() for thread in threads)


def test_a_commit_on_sqlite_is_on_the_disk(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'space.sqlite'}")
    database.upgrade()
    with database.write() as unit:
        settings = {
            name: unit._connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    database.close()

    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_a_hasty_transaction_is_whole_and_visible(database: Database) -> None:
    database.retrying(lambda unit: add(unit, "a"), durable=False)

    assert names(database) == ["a"]


def test_only_what_need_not_be_kept_spares_the_disk(database: Database) -> None:
    query = "PRAGMA synchronous" if database.dialect == "sqlite" else "SHOW synchronous_commit"

    def setting(unit: UnitOfWork) -> str:
        return str(unit._connection.execute(text(query)).scalar())

    found = [database.retrying(setting, durable=durable) for durable in (True, False, True)]

    assert found == (["2", "1", "2"] if database.dialect == "sqlite" else ["on", "off", "on"])


@pytest.mark.postgres
def test_a_connection_that_was_closed_is_replaced(
    postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with postgres_server.new_database() as url, closing(Database(url)) as database:
        database.upgrade()
        other = create_engine(url, poolclass=NullPool)
        close = text(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

        assert names(database) == []
        with other.begin() as connection:
            assert connection.execute(close).scalar_one() > 0
        # It has just been used, so nobody asks it; the failure is an honest one.
        with pytest.raises(ServiceBusy):
            names(database)
        assert names(database) == []

        monkeypatch.setattr(engine_module, "_TRUSTED_SECONDS", 0.0)
        with other.begin() as connection:
            assert connection.execute(close).scalar_one() > 0
        assert names(database) == []


def test_sqlite_tells_by_a_number_that_anybody_committed_anything(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'space.sqlite'}"
    with closing(Database(url)) as ours, closing(Database(url)) as theirs:
        ours.upgrade()
        first = ours.data_version()
        names(ours)
        assert ours.data_version() == first is not None

        with theirs.write() as unit:
            add(unit, "a")
        second = ours.data_version()
        with ours.write() as unit:
            add(unit, "b")

        assert len({first, second, ours.data_version()}) == 3


def test_postgresql_has_no_such_number(database: Database) -> None:
    assert (database.data_version() is None) == (database.dialect == "postgresql")


def test_a_read_that_failed_spoils_no_other(database: Database) -> None:
    def fail(statement: str) -> None:
        with database.read() as unit:
            unit.nodes.count()
            # What a repository does, but wrongly.
            unit._connection.exec_driver_sql(statement)

    for _ in range(3):
        with pytest.raises(exc.DBAPIError):
            fail("SELECT no_such_column FROM node")
        assert names(database) == []


def test_a_read_that_was_given_up_sees_no_old_state_afterwards(database: Database) -> None:
    def give_up() -> None:
        with database.read() as unit:
            unit.nodes.count()
            raise KeyError

    for number in range(5):
        with pytest.raises(KeyError):
            give_up()
        with database.write() as unit:
            add(unit, str(number))
        assert len(names(database)) == number + 1


def test_many_readers_at_one_time_leave_nothing_behind(tmp_path: Path) -> None:
    file = tmp_path / "space.sqlite"
    together = threading.Barrier(40)

    def opened() -> int:
        links = list(Path("/proc/self/fd").iterdir())
        # The list's own is closed by now.
        return [each.readlink() for each in links if each.is_symlink()].count(file)

    with closing(Database(f"sqlite:///{file}", pool_size=4)) as database:
        database.upgrade()

        def read(_: int) -> int:
            with database.read() as unit:
                together.wait(30)
                return unit.nodes.count()

        counts: list[int] = []
        with ThreadPoolExecutor(40) as threads:
            for _ in range(5):
                assert len(set(threads.map(read, range(40)))) == 1
                counts.append(opened())
        # SQLite itself keeps the files of closed connections for the next ones.
        assert max(counts) <= 41

    assert opened() == 0
