"""Jobs: who sees them, how they go from phase to phase, and what ends those nobody works on."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from tests.vospace_server.services.tree_space import TreeSpace
from vospace_model.faults import (
    NodeNotFound,
    NotAuthenticated,
    PermissionDenied,
    TransferFailed,
)
from vospace_model.jobs import ExecutionPhase, JobParameter, JobResult
from vospace_server.domain.identity import ANONYMOUS, Caller
from vospace_server.domain.job_record import JobRecord
from vospace_server.services.jobs import WORKER_PATIENCE, JobKind, JobService, NewJob

MOMENT = timedelta(seconds=1)


class Desk:
    """A job service whose time and runner the test watches."""

    def __init__(self, url: str) -> None:
        self.space = TreeSpace(url)
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.woken = 0
        self.jobs = JobService(
            database=self.space.database, wake_runner=self._wake, clock=lambda: self.now
        )

    def _wake(self) -> None:
        self.woken += 1

    def make(self, caller: Caller | None = None, kind: JobKind = JobKind.TRANSFER) -> JobRecord:
        new = NewJob(
            kind=kind,
            request="{}",
            parameters=(JobParameter(parameter_id="TARGET", value="vos://a~b/é"),),
            run_id="run",
        )
        return self.jobs.create(self.space.alice if caller is None else caller, new)

    def phase(self, record: JobRecord) -> ExecutionPhase:
        found = self.jobs.find(record.job_id)
        assert found is not None
        return found.phase

    def close(self) -> None:
        self.space.close()


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    with closing(Desk(database_url)) as opened:
        yield opened


def test_a_job_is_kept_as_it_was_made(desk: Desk) -> None:
    made = desk.make()

    assert desk.jobs.get(desk.space.alice, made.job_id) == made
    assert made.phase is ExecutionPhase.PENDING
    assert made.destruction is not None
    assert made.destruction > desk.now


def test_jobs_are_their_owners_business(desk: Desk) -> None:
    bob, admin = desk.space.user("bob"), desk.space.user("root", is_admin=True)
    mine, anonymous = desk.make(), desk.make(ANONYMOUS)

    with pytest.raises(PermissionDenied):
        desk.jobs.get(bob, mine.job_id)
    with pytest.raises(NotAuthenticated):
        desk.jobs.get(ANONYMOUS, mine.job_id)
    with pytest.raises(PermissionDenied):
        desk.jobs.abort(bob, mine.job_id)
    with pytest.raises(NodeNotFound):
        desk.jobs.get(bob, "none")
    assert desk.jobs.get(admin, mine.job_id) == mine
    assert desk.jobs.get(ANONYMOUS, anonymous.job_id) == anonymous


def test_the_list_has_the_newest_first_and_one_kind_only(desk: Desk) -> None:
    records = []
    for _ in range(3):
        records.append(desk.make())
        desk.now += MOMENT
    desk.make(kind=JobKind.SYNC_TRANSFER)
    desk.jobs.run(desk.space.alice, records[0].job_id)

    def listed(**filters: object) -> list[str]:
        found = desk.jobs.list_of(desk.space.alice, JobKind.TRANSFER, **filters)  # type: ignore[arg-type]
        return [record.job_id for record in found]

    assert listed() == [record.job_id for record in reversed(records)]
    assert listed(limit=1) == [records[2].job_id]
    assert listed(phases=[ExecutionPhase.QUEUED]) == [records[0].job_id]
    with pytest.raises(NotAuthenticated):
        desk.jobs.list_of(ANONYMOUS, JobKind.TRANSFER)


def test_running_queues_once_and_wakes_the_runner(desk: Desk) -> None:
    record = desk.make()

    desk.jobs.run(desk.space.alice, record.job_id)
    desk.jobs.run(desk.space.alice, record.job_id)

    assert desk.phase(record) is ExecutionPhase.QUEUED
    assert [each.job_id for each in desk.jobs.queued(10)] == [record.job_id]
    assert desk.woken == 1


def test_only_one_worker_gets_a_job(desk: Desk) -> None:
    record = desk.make()
    desk.jobs.run(desk.space.alice, record.job_id)

    begun = desk.jobs.begin(record.job_id, worker="one")
    second = desk.jobs.begin(record.job_id, worker="two")

    assert begun is not None
    assert (begun.phase, begun.started) == (ExecutionPhase.EXECUTING, desk.now)
    assert second is None
    assert desk.jobs.queued(10) == []


def test_a_job_ends_with_its_results(desk: Desk) -> None:
    record = desk.make()
    desk.jobs.begin(record.job_id)
    results = [
        JobResult(result_id="destination", href="vos://a~b/c"),
        JobResult(result_id="log", href="log", size=3, media_type="text/plain"),
    ]

    desk.jobs.complete(record.job_id, results)
    desk.jobs.fail(record.job_id, NodeNotFound("too late"))

    ended = desk.jobs.get(desk.space.alice, record.job_id)
    assert (ended.phase, ended.ended) == (ExecutionPhase.COMPLETED, desk.now)
    assert ended.results == tuple(results)
    assert ended.fault is None


def test_a_job_ends_with_its_fault(desk: Desk) -> None:
    record = desk.make()
    desk.jobs.begin(record.job_id)

    desk.jobs.fail(record.job_id, NodeNotFound("/a/b"))
    desk.jobs.complete(record.job_id)

    ended = desk.jobs.get(desk.space.alice, record.job_id)
    assert ended.phase is ExecutionPhase.ERROR
    assert isinstance(ended.fault, NodeNotFound)
    assert ended.fault.detail == "/a/b"


def test_an_aborted_job_neither_begins_nor_ends_otherwise(desk: Desk) -> None:
    record = desk.make()

    desk.jobs.abort(desk.space.alice, record.job_id)
    begun = desk.jobs.begin(record.job_id)
    desk.jobs.complete(record.job_id)

    assert begun is None
    assert desk.phase(record) is ExecutionPhase.ABORTED


def test_a_job_whose_worker_died_ends_in_an_error(desk: Desk) -> None:
    record = desk.make()
    desk.jobs.begin(record.job_id, worker="gone")

    desk.now += WORKER_PATIENCE
    early = desk.jobs.sweep()
    desk.now += MOMENT
    late = desk.jobs.sweep()

    ended = desk.jobs.get(desk.space.alice, record.job_id)
    assert (early, late) == (0, 1)
    assert ended.phase is ExecutionPhase.ERROR
    assert isinstance(ended.fault, TransferFailed)


def test_a_worker_that_lives_keeps_its_job(desk: Desk) -> None:
    record = desk.make()
    desk.jobs.begin(record.job_id, worker="alive")

    for _ in range(4):
        desk.now += WORKER_PATIENCE / 2
        desk.jobs.keep_alive(record.job_id)
        assert desk.jobs.sweep() == 0

    assert desk.phase(record) is ExecutionPhase.EXECUTING


def test_a_push_whose_bytes_never_come_ends_with_its_address(desk: Desk) -> None:
    record = desk.make()
    desk.jobs.begin(record.job_id)
    desk.jobs.await_bytes(record.job_id, until=desk.now + timedelta(hours=1))

    desk.now += timedelta(hours=1)
    assert desk.jobs.sweep() == 0
    desk.now += MOMENT
    assert desk.jobs.sweep() == 1
    assert desk.phase(record) is ExecutionPhase.ERROR


def test_jobs_are_forgotten_after_their_destruction_time(desk: Desk) -> None:
    record = desk.make()

    desk.now += timedelta(days=7) + MOMENT

    assert desk.jobs.sweep() == 1
    assert desk.jobs.find(record.job_id) is None
    assert desk.jobs.phase(record.job_id) is None


def test_a_removed_job_is_gone_with_its_parts(desk: Desk) -> None:
    record = desk.make()
    desk.jobs.begin(record.job_id)
    desk.jobs.add_results(record.job_id, [JobResult(result_id="r", href="x")])

    desk.jobs.remove(desk.space.alice, record.job_id)

    assert desk.jobs.find(record.job_id) is None
    with pytest.raises(NodeNotFound):
        desk.jobs.remove(desk.space.alice, record.job_id)
