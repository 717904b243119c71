"""Long work: it shows how far it is, ends when it must, and is gone on with where it was."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.vospace_server.services.tree_space import TreeSpace
from vospace_model.faults import NodeNotFound, PermissionDenied, ServiceBusy
from vospace_model.jobs import ExecutionPhase, JobResult
from vospace_server.domain.identity import Identity
from vospace_server.domain.job_record import JobRecord
from vospace_server.domain.token_scope import TokenScope
from vospace_server.services import job_control
from vospace_server.services.job_control import (
    JobControl,
    JobHandedBackError,
    JobOverError,
)
from vospace_server.services.job_execution import JobExecution
from vospace_server.services.job_ledger import WORKER_PATIENCE, JobLedger, JobOutcome
from vospace_server.services.job_work import Worker
from vospace_server.services.jobs import JobKind, JobService, NewJob

Deed = Callable[[JobControl], JobOutcome | None]


class Bench:
    """Does jobs of alice's in the way that a test says."""

    def __init__(self, space: TreeSpace) -> None:
        self.space = space
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.jobs = JobService(
            database=space.database, wake_runner=lambda: None, clock=lambda: self.now
        )
        self.ledger = JobLedger(database=space.database, clock=lambda: self.now)
        self.worker = Worker(name="worker")
        self._deed: Deed = lambda _control: JobOutcome()

    def queue(self, kind: JobKind = JobKind.LONG_TRANSFER, seconds: int = 0) -> str:
        new = NewJob(kind=kind, request='{"scope": 1}', execution_seconds=seconds)
        record = self.jobs.create(self.space.alice, new)
        self.jobs.run(self.space.alice, record.job_id)
        return record.job_id

    def do(self, control: JobControl) -> JobOutcome | None:
        return self._deed(control)

    def execute(self, job_id: str, deed: Deed) -> object:
        self._deed = deed
        execution = JobExecution(ledger=self.ledger, identify=self._identify, task=self)
        return execution.execute(job_id, worker=self.worker)

    def found(self, job_id: str) -> JobRecord:
        record = self.jobs.find(job_id)
        assert record is not None
        return record

    def save(self, control: JobControl, place: object, progress: float) -> None:
        with self.space.database.write() as unit:
            control.save(unit, place=place, progress=progress)

    def _identify(self, name: str, scope: TokenScope) -> Identity:
        if name != "alice":
            raise PermissionDenied(name)
        alice = self.space.alice
        return Identity(
            user_id=alice.user_id, name=name, groups=alice.groups, is_admin=False, scope=scope
        )


@pytest.fixture
def bench(each_space: TreeSpace, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(job_control, "_LOOK_SECONDS", 0.01)
    monkeypatch.setattr(job_control, "_REPORT_SECONDS", 0.0)
    return Bench(each_space)


def test_work_is_done_for_the_owner_with_the_scope_of_the_request(bench: Bench) -> None:
    job_id = bench.queue()

    def deed(control: JobControl) -> JobOutcome:
        caller = control.caller()
        assert isinstance(caller, Identity)
        return JobOutcome(
            results=[JobResult(result_id="who", href=f"{caller.name}:{caller.scope.label}")]
        )

    assert bench.execute(job_id, deed) is None
    ended = bench.found(job_id)
    assert ended.phase is ExecutionPhase.COMPLETED
    assert [result.href for result in ended.results] == ["alice:read"]


def test_progress_is_seen_while_the_work_goes_on(bench: Bench) -> None:
    job_id = bench.queue()
    seen: list[float | None] = []

    def deed(control: JobControl) -> JobOutcome:
        for progress in (0.25, 7.0):
            control.report(progress)
            seen.append(bench.found(job_id).progress)
        return JobOutcome()

    bench.execute(job_id, deed)

    assert seen == [0.25, 1.0]
    assert bench.found(job_id).progress == 1.0


def test_work_is_gone_on_with_after_the_step_that_was_saved_last(bench: Bench) -> None:
    job_id = bench.queue()
    places: list[object] = []

    def crash(control: JobControl) -> JobOutcome:
        bench.save(control, {"step": 1}, 0.5)
        raise ServiceBusy("the worker falls silent")

    def go_on(control: JobControl) -> JobOutcome:
        places.append(control.place)
        return JobOutcome()

    bench.execute(job_id, crash)
    assert bench.found(job_id).phase is ExecutionPhase.EXECUTING
    bench.now += WORKER_PATIENCE + timedelta(seconds=1)
    bench.ledger.sweep()
    bench.execute(job_id, go_on)

    assert places == [{"step": 1}]
    assert bench.found(job_id).phase is ExecutionPhase.COMPLETED


@pytest.mark.parametrize("by", ["abort", "destruction", "time"])
def test_work_ends_when_the_job_is_over(bench: Bench, by: str) -> None:
    job_id = bench.queue(seconds=60)
    deeds: dict[str, Callable[[], object]] = {
        "abort": lambda: bench.jobs.abort(bench.space.alice, job_id),
        "destruction": lambda: bench.jobs.remove(bench.space.alice, job_id),
        "time": lambda: setattr(bench, "now", bench.now + timedelta(seconds=61)),
    }
    ended: list[bool] = []

    def deed(control: JobControl) -> JobOutcome:
        deeds[by]()
        try:
            until_stopped(control)
        except JobOverError:
            ended.append(True)
            raise
        return JobOutcome()

    assert bench.execute(job_id, deed) is None

    assert ended == [True]
    record = bench.jobs.find(job_id)
    assert record is None if by == "destruction" else record is not None
    if record is not None:
        assert record.phase is ExecutionPhase.ABORTED
        assert record.ended is not None


def test_a_step_of_an_aborted_job_is_undone(bench: Bench) -> None:
    job_id = bench.queue()

    def deed(control: JobControl) -> JobOutcome:
        bench.jobs.abort(bench.space.alice, job_id)
        with bench.space.database.write() as unit:
            unit.nodes.set_allocation(1, 99)
            control.save(unit, place=1)
        return JobOutcome()

    bench.execute(job_id, deed)

    with bench.space.database.read() as unit:
        root = unit.nodes.by_id(1)
    assert root is not None
    assert root.allocation_id is None
    assert bench.found(job_id).phase is ExecutionPhase.ABORTED


def test_the_last_step_and_the_end_of_the_job_are_one(bench: Bench) -> None:
    job_id = bench.queue()

    def deed(control: JobControl) -> None:
        with bench.space.database.write() as unit:
            control.complete(unit, [JobResult(result_id="r", href="x")])
        with pytest.raises(JobOverError), bench.space.database.write() as unit:
            control.complete(unit)

    bench.execute(job_id, deed)

    ended = bench.found(job_id)
    assert ended.phase is ExecutionPhase.COMPLETED
    assert [result.result_id for result in ended.results] == ["r"]


def test_a_stop_of_the_server_hands_long_work_back(bench: Bench) -> None:
    job_id = bench.queue()

    def deed(control: JobControl) -> JobOutcome:
        bench.save(control, 7, 0.5)
        bench.worker.stopping.set()
        with pytest.raises(JobHandedBackError):
            control.check()
        raise JobHandedBackError

    bench.execute(job_id, deed)

    handed_back = bench.found(job_id)
    assert handed_back.phase is ExecutionPhase.QUEUED
    assert (handed_back.worker, handed_back.position.place) == (None, 7)
    assert handed_back.position.interruptions == 0


def test_what_is_waited_for_is_closed_by_another_thread_when_the_job_is_over(
    bench: Bench,
) -> None:
    job_id = bench.queue()
    closed = threading.Event()

    def deed(control: JobControl) -> JobOutcome:
        with control.on_stop(closed.set):
            bench.jobs.abort(bench.space.alice, job_id)
            assert closed.wait(20)
        control.check()
        return JobOutcome()

    bench.execute(job_id, deed)

    assert bench.found(job_id).phase is ExecutionPhase.ABORTED


def test_some_of_it_undone_is_aborted_with_counts(bench: Bench) -> None:
    job_id = bench.queue()
    counts = [JobResult(result_id="successcount", href="final:2")]

    bench.execute(job_id, lambda _c: JobOutcome(phase=ExecutionPhase.ABORTED, results=counts))

    ended = bench.found(job_id)
    assert ended.phase is ExecutionPhase.ABORTED
    assert list(ended.results) == counts


def test_a_fault_ends_the_job_and_is_returned(bench: Bench) -> None:
    job_id = bench.queue()

    def deed(_control: JobControl) -> JobOutcome:
        raise NodeNotFound("/x")

    assert isinstance(bench.execute(job_id, deed), NodeNotFound)
    assert bench.found(job_id).error_fault == "NodeNotFound"


def test_an_account_that_is_gone_ends_its_jobs(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = bench.queue()

    def identify(_name: str, _scope: TokenScope) -> Identity:
        raise PermissionDenied("the account 'alice' is disabled")

    monkeypatch.setattr(bench, "_identify", identify)

    def deed(control: JobControl) -> JobOutcome:
        control.caller()
        return JobOutcome()

    bench.execute(job_id, deed)

    assert bench.found(job_id).error_fault == "PermissionDenied"


@pytest.mark.parametrize("threads", [8])
def test_a_job_is_done_once_among_many_threads(bench: Bench, threads: int) -> None:
    job_ids = [bench.queue() for _ in range(5)]
    done: list[str] = []

    class Once:
        def do(self, control: JobControl) -> JobOutcome:
            done.append(control.job_id)
            return JobOutcome()

    def work(number: int) -> None:
        execution = JobExecution(ledger=bench.ledger, identify=bench._identify, task=Once())
        for job_id in job_ids:
            execution.execute(job_id, worker=Worker(name=f"w{number}"))

    crowd = [threading.Thread(target=work, args=(n,)) for n in range(threads)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()

    assert sorted(done) == sorted(job_ids)
    assert {bench.found(job_id).phase for job_id in job_ids} == {ExecutionPhase.COMPLETED}


def until_stopped(control: JobControl) -> None:
    """Look until the job is over."""
    waiting = threading.Event()
    for _ in range(2000):
        control.check()
        waiting.wait(0.01)
    raise AssertionError("the job is not stopped")
