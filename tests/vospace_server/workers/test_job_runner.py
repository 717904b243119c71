"""The runner: every queued job is done once, and a defect in one does not stop the others."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.vospace_server.services.tree_space import TreeSpace, uri
from vospace_model.jobs import ExecutionPhase
from vospace_model.transfers import InternalTransfer
from vospace_server.domain.identity import Identity
from vospace_server.domain.job_record import JobRecord
from vospace_server.domain.token_scope import TokenScope
from vospace_server.domain.transfer_request import TransferRequest, encode_request
from vospace_server.services.internal_transfers import InternalTransferService
from vospace_server.services.job_control import JobControl
from vospace_server.services.job_execution import JobExecution
from vospace_server.services.job_ledger import JobLedger, JobOutcome
from vospace_server.services.jobs import JobKind, JobService, NewJob
from vospace_server.services.transfer_jobs import TransferJobs
from vospace_server.services.transfers import TransferService
from vospace_server.workers.job_runner import JobRunner


class Shop:
    """A runner that moves nodes of alice's."""

    def __init__(self, url: str, transfers: TransferService) -> None:
        self.space = TreeSpace(url)
        self.runner = JobRunner()
        self.jobs = JobService(database=self.space.database, wake_runner=self.runner.wake)
        self.ledger = JobLedger(database=self.space.database)
        self.transfer_jobs = TransferJobs(
            jobs=self.jobs,
            ledger=self.ledger,
            transfers=transfers,
            internal_transfers=InternalTransferService(
                tree=self.space.tree, moves=self.space.moves
            ),
            identify=self._identify,
        )

    def _identify(self, name: str, scope: TokenScope) -> Identity:
        assert (name, scope) == ("alice", TokenScope.WRITE)
        return self.space.alice

    def queue_move(self, source: str, destination: str) -> JobRecord:
        request = TransferRequest(
            transfer=InternalTransfer(
                source=uri(source), destination=uri(destination), keep_bytes=False
            ),
            scope=TokenScope.WRITE,
        )
        new = NewJob(kind=JobKind.TRANSFER, request=encode_request(request))
        record = self.jobs.create(self.space.alice, new)
        self.jobs.run(self.space.alice, record.job_id)
        return record

    def phase_when_over(self, record: JobRecord) -> ExecutionPhase:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            found = self.jobs.phase(record.job_id)
            assert found is not None
            if found[0].is_final:
                return found[0]
            time.sleep(0.02)
        raise AssertionError("the job does not end")

    def start(self) -> None:
        self.runner.start(jobs=self.ledger, work={JobKind.TRANSFER: self.transfer_jobs})

    def close(self) -> None:
        self.runner.stop()
        self.space.close()


@pytest.fixture
def shop(tmp_path: Path, unused_transfers: TransferService) -> Iterator[Shop]:
    url = f"sqlite:///{tmp_path / 'space.sqlite'}"
    with closing(Shop(url, unused_transfers)) as opened:
        yield opened


@pytest.fixture
def unused_transfers(monkeypatch: pytest.MonkeyPatch) -> TransferService:
    """Moves negotiate nothing."""
    return object.__new__(TransferService)


def test_queued_jobs_are_done_each_once(shop: Shop) -> None:
    shop.start()
    for number in range(20):
        shop.space.touch(f"/alice/f{number}")

    records = [shop.queue_move(f"/alice/f{n}", f"/alice/g{n}") for n in range(20)]

    assert {shop.phase_when_over(r) for r in records} == {ExecutionPhase.COMPLETED}
    assert shop.space.names("/alice") == sorted(f"g{n}" for n in range(20))


def test_jobs_queued_before_the_start_are_done_too(shop: Shop) -> None:
    shop.space.touch("/alice/f")
    record = shop.queue_move("/alice/f", "/alice/g")

    shop.start()

    assert shop.phase_when_over(record) is ExecutionPhase.COMPLETED


@pytest.mark.logs("the job runner goes on")
def test_a_defect_ends_its_job_and_no_other(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = InternalTransferService.move

    def defective(
        service: InternalTransferService,
        caller: Identity,
        transfer: InternalTransfer,
        **arguments: Any,
    ) -> object:
        if transfer.source == uri("/alice/bad"):
            raise RuntimeError("defect")
        return real(service, caller, transfer, **arguments)

    monkeypatch.setattr(InternalTransferService, "move", defective)
    shop.space.touch("/alice/good")
    shop.start()

    bad = shop.queue_move("/alice/bad", "/alice/x")
    good = shop.queue_move("/alice/good", "/alice/y")

    assert shop.phase_when_over(good) is ExecutionPhase.COMPLETED
    assert shop.phase_when_over(bad) is ExecutionPhase.ERROR
    ended = shop.jobs.find(bad.job_id)
    assert ended is not None
    assert ended.error_fault == "InternalFault"
    assert "defect" not in (ended.error_detail or "")


def test_stopping_is_prompt_and_may_be_repeated(shop: Shop) -> None:
    shop.start()

    began = time.monotonic()
    shop.runner.stop()
    shop.runner.stop()

    assert time.monotonic() - began < 1


class Endless:
    """Long work that never ends by itself."""

    def __init__(self) -> None:
        self.begun = threading.Event()

    def do(self, control: JobControl) -> JobOutcome | None:
        """Work until told to end."""
        self.begun.set()
        waiting = threading.Event()
        while True:
            control.check()
            waiting.wait(0.01)


def test_a_long_job_keeps_no_move_waiting_and_is_handed_back_at_the_stop(shop: Shop) -> None:
    endless = Endless()
    execution = JobExecution(ledger=shop.ledger, identify=shop._identify, task=endless)
    shop.runner.start(
        jobs=shop.ledger,
        work={JobKind.TRANSFER: shop.transfer_jobs, JobKind.LONG_TRANSFER: execution},
    )
    new = NewJob(kind=JobKind.LONG_TRANSFER, request='{"scope": 2}')
    long_jobs = [shop.jobs.create(shop.space.alice, new) for _ in range(5)]
    for record in long_jobs:
        shop.jobs.run(shop.space.alice, record.job_id)
    assert endless.begun.wait(20)
    shop.space.touch("/alice/f")

    moved = shop.queue_move("/alice/f", "/alice/g")
    assert shop.phase_when_over(moved) is ExecutionPhase.COMPLETED
    shop.runner.stop()

    phases = {found[0] for each in long_jobs if (found := shop.jobs.phase(each.job_id))}
    assert phases == {ExecutionPhase.QUEUED}
