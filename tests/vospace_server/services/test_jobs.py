"""Jobs: who sees them, how they go from phase to phase, and what ends those nobody works on."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.vospace_server.services.tree_space import TreeSpace
from vospace_model.faults import (
    InvalidArgument,
    NodeNotFound,
    NotAuthenticated,
    PermissionDenied,
    TransferFailed,
)
from vospace_model.jobs import ExecutionPhase, JobParameter, JobResult
from vospace_server.domain.identity import ANONYMOUS, Caller
from vospace_server.domain.job_cursor import JobCursor
from vospace_server.domain.job_record import JobRecord, JobStanding
from vospace_server.services.job_ledger import WORKER_PATIENCE, JobLedger, JobOutcome
from vospace_server.services.jobs import (
    LONGEST_EXECUTION,
    TRANSFER_KINDS,
    JobKind,
    JobService,
    NewJob,
)

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

        self.ledger = JobLedger(database=self.space.database, clock=lambda: self.now)

    def _wake(self) -> None:
        self.woken += 1

    def make(self, caller: Caller | None = None, kind: JobKind = JobKind.TRANSFER) -> JobRecord:
        new = NewJob(
            kind=kind,
            request='{"scope": 2}',
            parameters=(JobParameter(parameter_id="TARGET", value="vos://a~b/é"),),
            run_id="run",
        )
        return self.jobs.create(self.space.alice if caller is None else caller, new)

    def phase(self, record: JobRecord) -> ExecutionPhase:
        found = self.jobs.find(record.job_id)
        assert found is not None
        return found.phase

    def next_job(self, kinds: Sequence[JobKind], after_owner: int = -1) -> str | None:
        found = self.ledger.next_queued(kinds, after_owner=after_owner)
        return None if found is None else found.job_id

    def queue(self, caller: Caller, kind: JobKind = JobKind.TRANSFER) -> JobRecord:
        record = self.make(caller, kind)
        self.jobs.run(caller, record.job_id)
        self.now += MOMENT
        return record

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
        found = desk.jobs.list_of(desk.space.alice, TRANSFER_KINDS, **filters)  # type: ignore[arg-type]
        return [record.job_id for record in found]

    assert listed() == [record.job_id for record in reversed(records)]
    assert listed(limit=1) == [records[2].job_id]
    assert listed(after=records[1].created) == [records[2].job_id]
    assert listed(phases=[ExecutionPhase.QUEUED]) == [records[0].job_id]
    with pytest.raises(NotAuthenticated):
        desk.jobs.list_of(ANONYMOUS, TRANSFER_KINDS)


def test_running_queues_once_and_wakes_the_runner(desk: Desk) -> None:
    record = desk.make()

    desk.jobs.run(desk.space.alice, record.job_id)
    desk.jobs.run(desk.space.alice, record.job_id)

    assert desk.phase(record) is ExecutionPhase.QUEUED
    assert desk.next_job(list(JobKind)) == record.job_id
    assert desk.woken == 1


def test_only_one_worker_gets_a_job(desk: Desk) -> None:
    record = desk.make()
    desk.jobs.run(desk.space.alice, record.job_id)

    begun = desk.ledger.begin(record.job_id, worker="one")
    second = desk.ledger.begin(record.job_id, worker="two")

    assert begun is not None
    assert (begun.phase, begun.started) == (ExecutionPhase.EXECUTING, desk.now)
    assert second is None
    assert desk.next_job(list(JobKind)) is None


def test_owners_take_turns_however_many_jobs_one_of_them_has(desk: Desk) -> None:
    alice, bob, carol = desk.space.alice, desk.space.user("bob"), desk.space.user("carol")
    many = [desk.queue(alice) for _ in range(3)]
    template = many[-1]
    with desk.space.database.write() as unit:
        for number in range(10_000):
            unit.jobs.add(
                replace(
                    template,
                    job_id=f"flood-{number}",
                    phase=ExecutionPhase.QUEUED,
                    created=desk.now,
                    parameters=(),
                )
            )
    later = [desk.queue(bob, JobKind.DELETE), desk.queue(carol), desk.queue(bob)]
    kinds = [JobKind.TRANSFER, JobKind.DELETE]

    done, last_owner = [], -1
    for _ in range(6):
        record = desk.ledger.next_queued(kinds, after_owner=last_owner)
        assert record is not None
        assert desk.ledger.begin(record.job_id, worker="one") is not None
        done.append(record.job_id)
        last_owner = record.owner_id

    # Alice, Bob and Carol; then again who still has some, each with their oldest first.
    expected = [many[0], later[0], later[1], many[1], later[2], many[2]]
    assert done == [each.job_id for each in expected]


def test_a_job_ends_with_its_results(desk: Desk) -> None:
    record = desk.make()
    desk.ledger.begin(record.job_id, worker="one")
    results = [
        JobResult(result_id="destination", href="vos://a~b/c"),
        JobResult(result_id="log", href="log", size=3, media_type="text/plain"),
    ]

    ended_well = desk.ledger.end(record.job_id, JobOutcome(results=results), worker="one")
    failed_too = desk.ledger.fail(record.job_id, NodeNotFound("too late"), worker="one")

    assert (ended_well, failed_too) == (True, False)

    ended = desk.jobs.get(desk.space.alice, record.job_id)
    assert (ended.phase, ended.ended) == (ExecutionPhase.COMPLETED, desk.now)
    assert ended.results == tuple(results)
    assert ended.fault is None


def test_a_job_ends_with_its_fault(desk: Desk) -> None:
    record = desk.make()
    desk.ledger.begin(record.job_id, worker="one")

    desk.ledger.fail(record.job_id, NodeNotFound("/a/b"), worker="one")
    desk.ledger.end(record.job_id, JobOutcome(), worker="one")

    ended = desk.jobs.get(desk.space.alice, record.job_id)
    assert ended.phase is ExecutionPhase.ERROR
    assert isinstance(ended.fault, NodeNotFound)
    assert ended.fault.detail == "/a/b"


def test_an_aborted_job_neither_begins_nor_ends_otherwise(desk: Desk) -> None:
    record = desk.make()

    desk.jobs.abort(desk.space.alice, record.job_id)
    begun = desk.ledger.begin(record.job_id, worker="one")
    desk.ledger.end(record.job_id, JobOutcome(), worker="one")

    assert begun is None
    assert desk.phase(record) is ExecutionPhase.ABORTED


def test_a_job_that_cannot_be_gone_on_with_ends_in_an_error_when_its_worker_died(
    desk: Desk,
) -> None:
    record = desk.make(kind=JobKind.SYNC_TRANSFER)
    desk.ledger.begin(record.job_id, worker="gone")

    desk.now += WORKER_PATIENCE
    early = desk.ledger.sweep()
    desk.now += MOMENT
    late = desk.ledger.sweep()

    ended = desk.jobs.get(desk.space.alice, record.job_id)
    assert (early, late) == (0, 1)
    assert ended.phase is ExecutionPhase.ERROR
    assert isinstance(ended.fault, TransferFailed)


def test_a_job_whose_worker_died_is_queued_again_where_it_was(desk: Desk) -> None:
    record = desk.make(kind=JobKind.LONG_TRANSFER)
    desk.ledger.begin(record.job_id, worker="gone")
    place = JobCursor(place={"after": "é"}).encode()
    desk.ledger.save(record.job_id, worker="gone", values={"cursor": place, "progress": 0.5})

    desk.now += WORKER_PATIENCE + MOMENT
    assert desk.ledger.sweep() == 1
    resumed = desk.ledger.begin(record.job_id, worker="next")

    assert resumed is not None
    assert resumed.position == JobCursor(place={"after": "é"}, interruptions=1)
    assert (resumed.progress, resumed.worker) == (0.5, "next")
    assert resumed.started == datetime(2026, 1, 1, tzinfo=UTC)


def test_a_worker_that_was_taken_for_dead_changes_nothing_any_more(desk: Desk) -> None:
    record = desk.make(kind=JobKind.LONG_TRANSFER)
    desk.ledger.begin(record.job_id, worker="slow")
    desk.now += WORKER_PATIENCE + MOMENT
    desk.ledger.sweep()
    desk.ledger.begin(record.job_id, worker="next")

    assert not desk.ledger.save(record.job_id, worker="slow", values={"progress": 0.1})
    assert not desk.ledger.end(record.job_id, JobOutcome(), worker="slow")
    desk.ledger.hand_back(record.job_id, worker="slow")
    desk.ledger.keep_alive(record.job_id, worker="slow")
    desk.ledger.await_bytes(record.job_id, worker="slow", until=desk.now)

    assert desk.ledger.standing(record.job_id) == JobStanding(
        phase=ExecutionPhase.EXECUTING,
        worker="next",
        started=datetime(2026, 1, 1, tzinfo=UTC),
        execution_seconds=0,
    )


def test_jobs_of_workers_that_are_known_to_be_gone_are_taken_over_at_once(desk: Desk) -> None:
    records = [desk.make(kind=JobKind.LONG_TRANSFER) for _ in range(2)]
    records.append(desk.make(kind=JobKind.SYNC_TRANSFER))
    for record, worker in zip(records, ("gone", "alive", "gone"), strict=True):
        desk.ledger.begin(record.job_id, worker=worker)

    assert desk.ledger.take_over(lambda worker: worker == "gone") == 2

    assert [desk.phase(record) for record in records] == [
        ExecutionPhase.QUEUED,
        ExecutionPhase.EXECUTING,
        ExecutionPhase.ERROR,
    ]


def test_a_job_that_takes_its_workers_down_is_given_up_in_the_end(desk: Desk) -> None:
    record = desk.make(kind=JobKind.LONG_TRANSFER)

    for number in range(4):
        desk.ledger.begin(record.job_id, worker=f"victim {number}")
        desk.now += WORKER_PATIENCE + MOMENT
        desk.ledger.sweep()

    ended = desk.jobs.get(desk.space.alice, record.job_id)
    assert ended.phase is ExecutionPhase.ERROR
    assert "again and again" in (ended.error_detail or "")


def test_a_job_that_is_handed_back_waits_for_the_next_worker(desk: Desk) -> None:
    record = desk.make(kind=JobKind.LONG_TRANSFER)
    desk.ledger.begin(record.job_id, worker="one")

    desk.ledger.hand_back(record.job_id, worker="one")

    assert desk.next_job([JobKind.LONG_TRANSFER]) == record.job_id
    assert desk.next_job([JobKind.TRANSFER]) is None
    resumed = desk.ledger.begin(record.job_id, worker="two")
    assert resumed is not None
    assert resumed.position.interruptions == 0


def test_a_worker_that_lives_keeps_its_job(desk: Desk) -> None:
    record = desk.make()
    desk.ledger.begin(record.job_id, worker="alive")

    for _ in range(4):
        desk.now += WORKER_PATIENCE / 2
        desk.ledger.keep_alive(record.job_id, worker="alive")
        assert desk.ledger.sweep() == 0

    assert desk.phase(record) is ExecutionPhase.EXECUTING


def test_a_push_whose_bytes_never_come_ends_with_its_address(desk: Desk) -> None:
    record = desk.make()
    desk.ledger.begin(record.job_id, worker="one")
    desk.ledger.await_bytes(record.job_id, worker="one", until=desk.now + timedelta(hours=1))

    desk.now += timedelta(hours=1)
    assert desk.ledger.sweep() == 0
    desk.now += MOMENT
    assert desk.ledger.sweep() == 1
    assert desk.phase(record) is ExecutionPhase.ERROR


def test_jobs_are_forgotten_after_their_destruction_time(desk: Desk) -> None:
    record = desk.make()

    desk.now += timedelta(days=7) + MOMENT

    assert desk.ledger.sweep() == 1
    assert desk.jobs.find(record.job_id) is None
    assert desk.jobs.phase(record.job_id) is None


def test_a_removed_job_is_gone_with_its_parts(desk: Desk) -> None:
    record = desk.make()
    desk.ledger.begin(record.job_id, worker="one")
    desk.ledger.add_results(record.job_id, [JobResult(result_id="r", href="x")])

    desk.jobs.remove(desk.space.alice, record.job_id)

    assert desk.jobs.find(record.job_id) is None
    with pytest.raises(NodeNotFound):
        desk.jobs.remove(desk.space.alice, record.job_id)


def test_destruction_and_duration_are_granted_within_bounds(desk: Desk) -> None:
    record, alice = desk.make(), desk.space.alice

    month = desk.jobs.set_destruction(alice, record.job_id, desk.now + timedelta(days=90))
    seconds = desk.jobs.set_execution_duration(alice, record.job_id, 10**9)

    assert month == record.created + timedelta(days=30)
    assert seconds == LONGEST_EXECUTION.total_seconds()
    kept = desk.jobs.get(alice, record.job_id)
    assert (kept.destruction, kept.execution_seconds) == (month, seconds)
    assert desk.jobs.set_execution_duration(alice, record.job_id, 5) == 5
    assert desk.jobs.set_destruction(alice, record.job_id, record.created - MOMENT) == desk.now


def test_what_has_ended_or_is_somebody_elses_is_not_set(desk: Desk) -> None:
    record, bob = desk.make(), desk.space.user("bob")

    with pytest.raises(PermissionDenied):
        desk.jobs.set_execution_duration(bob, record.job_id, 5)
    desk.jobs.abort(desk.space.alice, record.job_id)
    with pytest.raises(InvalidArgument):
        desk.jobs.set_destruction(desk.space.alice, record.job_id, desk.now)
