"""Copies as jobs: aborted, interrupted by a stop or a crash, and gone on with."""

import threading
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from typing_extensions import override

from tests.vospace_server.services.test_copies import Copier, furnish
from tests.vospace_server.services.tree_space import TreeSpace, uri
from vospace_model.faults import PermissionDenied
from vospace_model.jobs import ExecutionPhase
from vospace_model.properties import Core
from vospace_model.transfers import InternalTransfer
from vospace_server.domain.copy_place import CopyPlace
from vospace_server.domain.identity import Caller, Identity
from vospace_server.domain.job_record import JobRecord
from vospace_server.domain.token_scope import TokenScope
from vospace_server.domain.transfer_request import TransferRequest, encode_request
from vospace_server.services.copies import CopyKeeper, CopyService
from vospace_server.services.job_control import JobControl
from vospace_server.services.job_execution import JobExecution
from vospace_server.services.job_ledger import JobLedger
from vospace_server.services.job_work import Worker
from vospace_server.services.jobs import JobKind, JobService, NewJob
from vospace_server.services.long_transfers import LongTransferJobs
from vospace_server.services.remote_transfers import RemoteTransfers


class CrashError(Exception):
    """The process ends here."""


class Hooked(CopyService):
    """A CopyService that calls back after each step."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.steps = 0
        self.after_step: Callable[[int], object] = lambda _step: None

    @override
    def step(self, caller: Caller, place: CopyPlace, *, keeper: CopyKeeper) -> CopyPlace:
        reached = super().step(caller, place, keeper=keeper)
        self.steps += 1
        self.after_step(self.steps)
        return reached


class Office:
    """Does jobs of alice's that copy /alice/t to /alice/u in steps of three nodes."""

    def __init__(self, space: TreeSpace) -> None:
        self.space = space
        self.copies = Hooked(tree=space.tree, batch=3)
        self.copier = Copier(space, self.copies)
        furnish(self.copier)
        self.jobs = JobService(database=space.database, wake_runner=lambda: None)
        self.ledger = JobLedger(database=space.database)
        self.stopping = threading.Event()
        self.task = LongTransferJobs(
            tree=space.tree,
            copies=self.copies,
            remote=object.__new__(RemoteTransfers),
        )

    def queue(self, destination: str = "/alice/u") -> JobRecord:
        request = TransferRequest(
            transfer=InternalTransfer(
                source=uri("/alice/t"), destination=uri(destination), keep_bytes=True
            ),
            scope=TokenScope.WRITE,
        )
        new = NewJob(kind=JobKind.LONG_TRANSFER, request=encode_request(request))
        record = self.jobs.create(self.space.alice, new)
        self.jobs.run(self.space.alice, record.job_id)
        return record

    def work(self, record: JobRecord, name: str = "worker") -> None:
        execution = JobExecution(ledger=self.ledger, identify=self._identify, task=self.task)
        execution.execute(record.job_id, worker=Worker(name=name, stopping=self.stopping))

    def stop_after(self, last: int) -> None:
        """The server stops after so many steps."""

        def stop(step: int) -> None:
            if step == last:
                self.stopping.set()

        self.copies.after_step = stop

    def found(self, record: JobRecord) -> JobRecord:
        found = self.jobs.find(record.job_id)
        assert found is not None
        return found

    def _identify(self, name: str, scope: TokenScope) -> Identity:
        assert (name, scope) == ("alice", TokenScope.WRITE)
        return self.space.alice


@pytest.fixture
def office(each_space: TreeSpace) -> Office:
    return Office(each_space)


def test_a_copy_is_a_job_with_progress_and_a_destination(office: Office) -> None:
    record = office.queue()
    shown: list[float | None] = []
    office.copies.after_step = lambda _step: shown.append(office.found(record).progress)

    office.work(record)

    ended = office.found(record)
    assert (ended.phase, ended.progress) == (ExecutionPhase.COMPLETED, 1.0)
    assert [(r.result_id, r.href) for r in ended.results] == [
        ("destination", str(uri("/alice/u")))
    ]
    assert len(shown) > 3
    assert shown == sorted(shown, key=lambda each: each or 0)
    assert office.copier.tree("/alice/u") == office.copier.tree("/alice/t")


@pytest.mark.parametrize("way", ["abort", "destroy"])
def test_an_aborted_copy_leaves_nothing(office: Office, way: str) -> None:
    space, rows, used = office.space, office.copier.rows(), office.space.used()
    record = office.queue()
    end = {"abort": office.jobs.abort, "destroy": office.jobs.remove}[way]
    office.copies.after_step = lambda step: step == 2 and end(space.alice, record.job_id)

    office.work(record)
    space.collect()

    assert space.names("/alice") == ["t"]
    assert (office.copier.rows(), space.used()) == (rows, used)
    assert office.copies.steps <= 3
    office.copier.check_sizes()


def test_an_abort_between_the_last_step_and_the_end_still_counts(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = office.queue()
    real = office.copies.finish

    def late(*arguments: Any, **named: Any) -> Any:
        office.jobs.abort(office.space.alice, record.job_id)
        return real(*arguments, **named)

    monkeypatch.setattr(office.copies, "finish", late)
    office.work(record)
    office.space.collect()

    assert office.found(record).phase is ExecutionPhase.ABORTED
    assert office.space.names("/alice") == ["t"]


def test_a_copy_that_a_stop_interrupts_is_gone_on_with(office: Office) -> None:
    record = office.queue()
    office.stop_after(2)

    office.work(record, "before")
    handed_back = office.found(record)
    office.stopping.clear()
    office.work(record, "after")

    assert handed_back.phase is ExecutionPhase.QUEUED
    assert handed_back.position.place is not None
    assert office.found(record).phase is ExecutionPhase.COMPLETED
    assert office.copier.tree("/alice/u") == office.copier.tree("/alice/t")
    office.copier.check_sizes()


def test_a_copy_whose_process_died_is_gone_on_with(office: Office) -> None:
    record = office.queue()
    used = office.space.used()

    def crash(step: int) -> None:
        if step in {1, 3}:
            raise CrashError

    office.copies.after_step = crash
    for name in ("first", "second", "third"):
        # What a process that dies would have done: nothing more.
        begun = office.ledger.begin(record.job_id, worker=name)
        assert begun is not None
        try:
            office.task.do(_control(office, begun, name))
        except CrashError:
            assert office.ledger.take_over(name.__eq__) == 1

    assert office.found(record).phase is ExecutionPhase.COMPLETED
    assert office.copier.tree("/alice/u") == office.copier.tree("/alice/t")
    assert office.space.used() == (used[0] * 2, used[1] * 2)
    office.copier.check_sizes()


def test_a_worker_that_lost_its_copy_to_another_makes_no_second_one(office: Office) -> None:
    record = office.queue()

    def lose(step: int) -> None:
        if step == 2:
            office.ledger.take_over(lambda worker: worker == "slow")
            office.copies.after_step = lambda _step: None
            office.work(record, "quick")

    office.copies.after_step = lose
    office.work(record, "slow")
    office.space.collect()

    assert office.found(record).phase is ExecutionPhase.COMPLETED
    assert office.space.names("/alice") == ["t", "u"]
    assert office.copier.tree("/alice/u") == office.copier.tree("/alice/t")
    office.copier.check_sizes()


def test_a_copy_to_auto_finds_its_name_again(office: Office) -> None:
    record = office.queue("/alice/.auto")
    office.stop_after(1)
    office.work(record)
    office.stopping.clear()
    office.work(record)

    [name] = set(office.space.names("/alice")) - {"t"}
    assert [r.href for r in office.found(record).results] == [str(uri(f"/alice/{name}"))]


def _control(office: Office, record: JobRecord, name: str) -> Any:
    return JobControl(
        ledger=office.ledger,
        record=record,
        worker=Worker(name=name),
        identify=lambda _record: office.space.alice,
        may_hand_back=True,
    )


def informed_identity(copier: Copier, caller: Identity, place: CopyPlace) -> Identity:
    informed = copier.copies.informed(caller, place)
    assert isinstance(informed, Identity)
    return informed


class Elsewhere:
    """Another group service, in whose groups bob is."""

    def __init__(self, *groups: str) -> None:
        self.groups = frozenset(groups)

    def memberships(self, _caller: Identity, group_uris: Iterable[str]) -> frozenset[str]:
        return self.groups & set(group_uris)


def test_groups_of_other_services_count_for_all_that_is_copied(
    space: TreeSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign = "ivo://other.org/gms?observers"
    bob = space.user("bob")
    space.allocate("/bob", bob, quota_bytes=1000)
    for path in ("/alice", "/alice/t", "/alice/t/d"):
        if path != "/alice":
            space.mkdir(path)
        space.set(path, {Core.GROUPREAD: foreign})
    copier = Copier(space, CopyService(tree=space.tree))
    copier.put("/alice/t/d/f", 1)
    space.set("/alice/t/d/f", {Core.GROUPREAD: foreign})
    with pytest.raises(PermissionDenied):
        copier.copy("/alice/t", "/bob/t", bob)

    monkeypatch.setattr(space.tree, "_foreign_groups", Elsewhere(foreign))
    place = copier.begin("/alice/t", "/bob/t", bob)
    while place.frames:
        place = copier.step(place, informed_identity(copier, bob, place))
    copier.finish("/alice/t", "/bob/t", place, bob)

    assert space.names("/bob/t/d", bob) == ["f"]
